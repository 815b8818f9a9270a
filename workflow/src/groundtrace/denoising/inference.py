"""The networks over the whole movie, a few frames at a time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.nn import functional

from groundtrace.arrays import Movie
from groundtrace.denoising.model import BLOCK, DenoisingNetwork
from groundtrace.denoising.standard import StandardMovie, channels
from groundtrace.denoising.training import device, variance_of

CHUNK_PIXELS = 2**19
"""Pixels computed at once; it changes no result. With twice as many, half of the time goes into getting memory."""
BLOCK_FRAMES = 16
"""Most frames computed at once."""


@torch.no_grad()
def denoise(
    standard: StandardMovie,
    members: Sequence[DenoisingNetwork],
    denoised: Movie,
    deviation: Movie,
    threads: int,
) -> None:
    """Fill `denoised` and `deviation` (T, Y, X), detector units; the same whatever the number of threads."""
    frames, height, width = standard.movie.shape
    step = int(np.clip(CHUNK_PIXELS // (height * width), 1, BLOCK_FRAMES))
    beyond = (0, -width % BLOCK, 0, -height % BLOCK)
    networks = [member.to(memory_format=torch.channels_last) for member in members]
    images = functional.pad(torch.from_numpy(standard.images)[None], beyond, mode="replicate")[0].to(device())

    def run(start: int) -> None:
        torch.set_num_threads(1)
        wanted = np.arange(start, min(start + step, frames))
        around = standard.neighbours(wanted)
        indices, places = np.unique(around, return_inverse=True)
        values = functional.pad(standard.frames(indices)[None], beyond, mode="replicate")[0].to(device())
        inputs = channels(values, places.reshape(around.shape), images).contiguous(memory_format=torch.channels_last)
        # In single precision: bfloat16 takes ten times as long on a CPU that does not know it.
        with torch.inference_mode():
            found = [network(inputs) for network in networks]
        means = [part[:, 0] for part in found]
        variance = variance_of([part[:, 1] for part in found], means)
        mean = torch.stack(means).mean(0)
        inside = (slice(None), slice(0, height), slice(0, width))
        denoised[wanted] = mean[inside].cpu().numpy() * standard.deviation + standard.origin
        deviation[wanted] = variance.sqrt()[inside].cpu().numpy() * standard.deviation

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(0, frames, step)))
