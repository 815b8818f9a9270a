"""Most exciting images: gradient ascent on the pixels, at a mean and RMS contrast that hold exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding.base import BATCH, EncodingModel, device
from groundtrace.encoding.contrast import Contrast
from groundtrace.encoding.pixels import Gabors
from groundtrace.errors import InputError
from groundtrace.random import stream

STEP = 0.3
"""Length of the first step, in RMS contrasts of the image; it falls to a tenth."""
SPEED = 0.7
"""How much of the last step is kept."""
SMOOTH = 2.0
"""Power of the spatial frequency that gradients are divided by at the start; it falls to 0."""
BLUR = 2.0
"""px of the Gaussian that images are blurred by at the start; it falls to 0 after half of the steps."""
GABORS = 6
"""Gabors of a grid that the search for the best one starts from."""


@dataclass(frozen=True)
class MostExciting:
    """Most exciting images of cells, and how far they are one and the same from several starts."""

    images: FloatArray
    """(n_cells, Y, X) in the units of the stimulus."""
    predicted: FloatArray
    """(n_cells,) spikes, response of the model that they were made with."""
    similarity: FloatArray
    """(n_cells,) mean correlation between the images from all pairs of starts; NaN of one start."""
    by_start: FloatArray
    """(n_cells, starts) spikes, predicted responses from each start."""
    mean: FloatArray
    rms: FloatArray
    """(n_cells,) as measured on the images."""


def most_exciting(
    model: EncodingModel,
    cells: Sequence[int] | IntArray,
    limits: Contrast,
    shape: tuple[int, int] | None = None,
    starts: int = 4,
    steps: int = 150,
    seed: int = 0,
    begin: FloatArray | None = None,
) -> MostExciting:
    """Images that excite cells most, according to a model.

    Parameters
    ----------
    model : EncodingModel
        One that can be differentiated; of an ensemble the mean is maximised.
    cells : (n,)
        Rows of the model's cells.
    limits : Contrast
        Mean and RMS contrast of an image, which hold exactly, and range of its pixels.
    shape : (Y, X), optional
        Size of an image; None asks the model.
    starts : int
        The first is grey, the second black (both with a hundredth of noise), all others white noise.
    steps : int
        Of gradient ascent.
    seed : int
        Of the noise.
    begin : (n, Y, X), optional
        One image for each cell to start from, instead of `starts`.
    """
    cells = np.asarray(cells, np.int64)
    shape = shape or image_shape(model)
    if begin is None:
        begun = [_start(limits, shape, number, stream(seed, "mei", number)) for number in range(starts)]
        stack = torch.stack(begun).repeat(len(cells), 1, 1)
    else:
        starts, stack = 1, torch.from_numpy(np.asarray(begin, np.float32))
    rows = torch.from_numpy(np.repeat(cells, starts))
    parts = [_ascend(model, limits, *some, steps) for some in zip(stack.split(BATCH), rows.split(BATCH), strict=True)]
    found, rate = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    found, rate = found.reshape(len(cells), starts, *shape), rate.reshape(len(cells), starts)
    best = found[np.arange(len(cells)), rate.argmax(axis=1)]
    similar = np.array([_similarity(images) for images in found])
    return MostExciting(best, rate.max(axis=1), similar, rate, best.mean(axis=(1, 2)), best.std(axis=(1, 2)))


def image_shape(model: EncodingModel) -> tuple[int, int]:
    """(Y, X) of the images that a model was fitted to."""
    reader = getattr(model.members[0], "reader", None)
    if reader is None:
        raise InputError(f"{type(model).__name__} does not tell the size of its images; give `shape`")
    return reader.rows.shape[1], reader.columns.shape[1]


def own_responses(model: EncodingModel, images: Tensor, rows: Tensor) -> Tensor:
    """(n,) response of cell `rows[i]` to image i."""
    return model.response(images)[torch.arange(len(rows), device=images.device), rows.to(images.device)]


def _start(limits: Contrast, shape: tuple[int, int], number: int, random: np.random.Generator) -> Tensor:
    noise = torch.from_numpy(random.standard_normal(shape, np.float32))
    match number:
        case 0:
            return limits.mean + 0.01 * limits.rms * noise
        case 1:
            return limits.low + 0.01 * limits.rms * noise.abs()
        case _:
            return limits.project((limits.mean + limits.rms * noise)[None])[0]


def _ascend(model: EncodingModel, limits: Contrast, x: Tensor, rows: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Images and responses (n,) after gradient ascent."""
    x = x.to(device())
    speed = torch.zeros_like(x)
    frequency = _frequencies(x)
    for step in range(steps):
        done = step / max(steps - 1, 1)
        pixels = x.detach().requires_grad_(True)
        blurred = _filtered(pixels, _gaussian(frequency, BLUR * max(0.0, 1 - 2 * done)))
        (gradient,) = torch.autograd.grad(own_responses(model, blurred, rows).sum(), pixels)
        smooth = (1 + frequency / frequency[0, 1]) ** (-SMOOTH * max(0.0, 1 - 2 * done))
        gradient = _filtered(gradient, smooth)
        gradient = gradient - gradient.mean((1, 2), keepdim=True)
        size = gradient.std((1, 2), keepdim=True)
        speed = SPEED * speed + (1 - SPEED) * torch.where(size > 0, gradient / size.clamp(min=1e-30), 0)
        x = limits.project(x + STEP * limits.rms * (1 - 0.9 * done) / (1 - SPEED ** (step + 1)) * speed)
    with torch.no_grad():
        return x, own_responses(model, x, rows)


def _frequencies(images: Tensor) -> Tensor:
    """(Y, X / 2 + 1) cycles per px of the real Fourier transform."""
    y, x = (part.to(images) for part in (torch.fft.fftfreq(images.shape[1]), torch.fft.rfftfreq(images.shape[2])))
    return (y[:, None] ** 2 + x**2).sqrt()


def _gaussian(frequency: Tensor, deviation: float) -> Tensor:
    return torch.exp(-2 * (torch.pi * frequency * deviation) ** 2)


def _filtered(images: Tensor, gain: Tensor) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(images) * gain, s=images.shape[1:])


def _similarity(images: FloatArray) -> float:
    """Mean correlation between all pairs of images (n, Y, X)."""
    if len(images) < 2:
        return np.nan
    r = np.atleast_2d(np.corrcoef(images.reshape(len(images), -1)))
    return float(r[np.triu_indices(len(r), 1)].mean())


def best_gabor(
    model: EncodingModel,
    cells: Sequence[int] | IntArray,
    limits: Contrast,
    shape: tuple[int, int] | None = None,
    steps: int = 60,
) -> tuple[FloatArray, FloatArray]:
    """Gabors (n_cells, Y, X) that excite cells most at that contrast, and the responses (n_cells,) to them.

    Position, orientation, frequency, size, aspect and phase by gradient ascent, from the best of a grid.
    """
    shape = shape or image_shape(model)
    asked = torch.from_numpy(np.asarray(cells, np.int64))

    def drawn(gabors: Gabors, phase: Tensor) -> Tensor:
        pairs, turn = gabors.within(shape).pairs(shape), torch.stack([phase.cos(), phase.sin()], 1)
        return limits.project(limits.mean + (pairs * turn[..., None, None]).sum(1)).to(device())

    grid = Gabors.grid(shape, 6, 4, spacing=2)
    phase = torch.arange(4).repeat_interleave(len(grid.y)) * torch.pi / 2
    grid = Gabors(*(part.repeat(4) for part in grid))
    with torch.no_grad():
        parts = torch.arange(len(phase)).split(BATCH)
        rates = torch.cat([model.response(drawn(grid[part], phase[part])).cpu() for part in parts])
    rows = asked.repeat_interleave(GABORS)
    chosen = rates[:, asked].topk(GABORS, dim=0).indices.T.flatten()
    *best, phase = _climb(model, drawn, [*grid[chosen], phase[chosen]], rows, steps)
    best = Gabors(*best)
    with torch.no_grad():
        parts = torch.arange(len(rows)).split(BATCH)
        rate = torch.cat([own_responses(model, drawn(best[part], phase[part]), rows[part]).cpu() for part in parts])
        rate = rate.view(-1, GABORS)
        winner = rate.argmax(1) + torch.arange(len(cells)) * GABORS
        return drawn(best[winner], phase[winner]).cpu().numpy(), rate.amax(1).numpy()


def _climb(
    model: EncodingModel, drawn: Callable[..., Tensor], values: list[Tensor], rows: Tensor, steps: int
) -> list[Tensor]:
    """Parameters of Gabors after gradient ascent of the response, relative to what it is."""
    values = [part.clone().requires_grad_(True) for part in values]
    groups = [{"params": values[:2], "lr": 0.3}, {"params": values[2:], "lr": 0.03}]
    optimizer = torch.optim.Adam(groups)
    for _ in range(steps):
        optimizer.zero_grad()
        for part in torch.arange(len(rows)).split(BATCH):
            images = drawn(Gabors(*(value[part] for value in values[:-1])), values[-1][part])
            (-own_responses(model, images, rows[part]).sum()).backward()
        optimizer.step()
    return [value.detach() for value in values]
