"""Training on the movie itself: frames from those around them."""

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from groundtrace.arrays import IntArray
from groundtrace.denoising.model import BLOCK, DenoisingNetwork, Shape
from groundtrace.denoising.standard import StandardMovie, channels

CURVE = {"member": pl.Int32, "step": pl.Int32, "training_error": pl.Float32, "calibration_error": pl.Float32}

PART_FRAMES = 50
"""Consecutive frames that go to the same part of the movie; fewer in a short one, so that it has all parts."""
PARTS = 10
"""One of so many stretches is for calibration and one for testing, the others for training."""
SIDE = 64
"""px of the square that a step looks at."""
BATCH = 8
"""Frames of a step."""
LEARNING_RATE = 3e-3
WARM_UP = 50
CHECKED = 96
"""Examples by which training is judged."""
EVERY = 100
"""Steps between two judgements."""
PATIENCE = 3
"""Judgements without any gain before training stops."""


@dataclass(frozen=True)
class Settings:
    members: int
    steps: int
    seed: int


def parts(frames: int) -> IntArray:
    """(frames,) 0 for training, 1 for calibration, 2 for testing, by stretches of PART_FRAMES."""
    stretch = np.arange(frames) // max(1, min(PART_FRAMES, frames // PARTS)) % PARTS
    return np.where(stretch == PARTS - 2, 1, np.where(stretch == PARTS - 1, 2, 0))


def train(
    standard: StandardMovie, shape: Shape, settings: Settings, threads: int
) -> tuple[list[DenoisingNetwork], pl.DataFrame]:
    """Networks, and their errors during training (table TrainingCurve)."""
    networks = []
    for member in range(settings.members):
        torch.manual_seed(settings.seed * 1000 + member)
        networks.append(DenoisingNetwork(shape).to(device()))

    def run(member: int) -> list[tuple]:
        torch.set_num_threads(1)
        return _Training(standard, networks[member], settings, member).run()

    with ThreadPoolExecutor(threads) as pool:
        rows = [row for found in pool.map(run, range(settings.members)) for row in found]
    return networks, pl.DataFrame(rows, schema=CURVE, orient="row")


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def repeatable() -> Iterator[None]:
    """On a GPU, too, the same seed gives the same bytes: gradients of replicated borders are summed in any order there.

    cuBLAS reads its variable when it is first used.
    """
    before = torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(before or device().type == "cuda")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


class _Training:
    """One member."""

    def __init__(self, standard: StandardMovie, network: DenoisingNetwork, settings: Settings, member: int):
        self.standard, self.network, self.settings, self.member = standard, network, settings, member
        self.random = np.random.default_rng([settings.seed, member])
        part = parts(len(standard.movie))[standard.good]
        self.training = standard.good[part == 0]
        held_out = standard.good[part == 1]
        held_out = held_out if len(held_out) else self.training
        # The same for all members.
        random = np.random.default_rng(settings.seed)
        self.checks = [self._example(random, held_out) for _ in range(-(-CHECKED // BATCH))]
        self.average = {name: value.clone() for name, value in network.state_dict().items()}
        self.judged = DenoisingNetwork(network.shape).to(device()).eval()

    def run(self) -> list[tuple]:
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
        best, kept, since = math.inf, self.average, 0
        rows, errors = [], []
        for step in range(self.settings.steps):
            errors.append(self._step(optimizer, step))
            if (step + 1) % EVERY and step + 1 < self.settings.steps:
                continue
            error = self._judge()
            rows.append((self.member, step + 1, float(np.mean(errors)), error))
            errors = []
            if error < best:
                best, since, kept = error, 0, {name: value.clone() for name, value in self.average.items()}
            else:
                since += 1
            if since >= PATIENCE:
                break
        self.network.load_state_dict(kept)
        self.network.eval().requires_grad_(False)
        return rows

    def _step(self, optimizer: torch.optim.Optimizer, step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.settings.steps)) + 0.01
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * cosine
        inputs, target = self._example(self.random, self.training)
        found = self.network(inputs)
        squared = (target - found[:, 0]) ** 2
        optimizer.zero_grad()
        (squared.mean() / 2 + _surprise(squared.detach(), found[:, 1])).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        optimizer.step()
        decay = min(0.99, step / (step + 10))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].mul_(decay).add_(value, alpha=1 - decay)
        return float(squared.detach().mean())

    def _example(self, random: np.random.Generator, frames: IntArray) -> tuple[Tensor, Tensor]:
        """Channels (BATCH, c, side, side) and the frames themselves (BATCH, side, side), from one place."""
        standard = self.standard
        rows, columns = (_square(random, size) for size in standard.mean.shape)
        chosen = random.choice(frames, BATCH)
        around = standard.neighbours(chosen)
        indices, places = np.unique(np.concatenate([around.ravel(), chosen]), return_inverse=True)
        values = standard.frames(indices, rows, columns).to(device())
        images = torch.from_numpy(standard.images[:, rows, columns]).to(device())
        inputs = channels(values, places[: around.size].reshape(around.shape), images)
        return inputs, values[torch.from_numpy(places[around.size :])]

    @torch.no_grad()
    def _judge(self) -> float:
        """Mean squared error of the averaged weights at the frames for calibration, in units of the noise."""
        self.judged.load_state_dict(self.average)
        errors = [functional.mse_loss(self.judged(inputs)[:, 0], target) for inputs, target in self.checks]
        return float(torch.stack(errors).mean())


def _square(random: np.random.Generator, size: int) -> slice:
    """SIDE pixels, or all of them, from an even place on."""
    side = min(SIDE, size // BLOCK * BLOCK)
    start = BLOCK * int(random.integers(0, (size - side) // BLOCK + 1))
    return slice(start, start + side)


def _surprise(squared: Tensor, logarithm: Tensor) -> Tensor:
    """-log likelihood of squared errors under the noise, 1, and the predicted variance together."""
    variance = 1 + torch.exp(logarithm.clamp(-12, 8))
    return (torch.log(variance) / 2 + squared / variance / 2).mean()


def variance_of(logarithms: Sequence[Tensor], means: Sequence[Tensor]) -> Tensor:
    """Variance of the members' average: what each does not know, and what they do not agree on."""
    own = torch.stack([torch.exp(part.clamp(-12, 8)) for part in logarithms]).mean(0)
    return own + torch.stack(list(means)).var(0, correction=0)
