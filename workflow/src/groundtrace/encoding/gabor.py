"""The best Gabor of each cell: a quadrature pair, read as it is and by its energy."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveInt

from groundtrace.arrays import FloatArray
from groundtrace.encoding.base import EncodingBackend, EncodingModel, Trials, device
from groundtrace.random import stream

if TYPE_CHECKING:
    from torch import Tensor

    from groundtrace.encoding.pixels import Gabors, Reader

IMAGES = 256
"""Images of a step, and of a part of the grid."""
STARTS = 2
"""Gabors of the grid that a cell's fit starts from."""
RIDGE = 1e-3


class Gabor(EncodingBackend):
    """Energy model: ELU + 1 of a weighted sum of an even and an odd Gabor and of their amplitude, each cell its own.

    Position, orientation, spatial frequency, size, aspect and phase are fitted by gradient from the best of a grid.
    Without the amplitude it is a simple cell, with it alone a complex one.
    """

    backend: Literal["gabor"] = "gabor"
    steps: PositiveInt = 200
    """Of the gradient descent."""

    def fit_means(self, images: FloatArray, trials: Trials, seed: int) -> "GaborModel":
        import torch

        from groundtrace.encoding.pixels import Gabors, Reader

        scaled, base, scale = trials.scaled()
        reader = Reader(images, self.side).to(device())
        small = reader(torch.from_numpy(images).to(device()))
        mean, count = (torch.from_numpy(part).float().to(device()) for part in (scaled.mean, scaled.count))
        grid = Gabors.grid(reader.shape)
        grid = Gabors(*(part.to(device()) for part in grid))
        chosen, weights = best_of_grid(grid, small, mean, count)
        cells = torch.arange(len(mean), device=device()).repeat_interleave(STARTS)
        start = _Start(grid[chosen.flatten()], weights.flatten(0, 1), mean[cells], count[cells])
        gabors, weights, loss = descend(start, small, self.steps, stream(seed, "gabor"))
        best = loss.view(-1, STARTS).argmin(1) + torch.arange(len(mean), device=device()) * STARTS
        gabors = Gabors(*(part.detach() for part in gabors[best]))
        return GaborModel(reader, gabors, weights[best], base, scale)


class GaborModel(EncodingModel):
    """Gabors and their weights."""

    def __init__(self, reader: "Reader", gabors: "Gabors", weights: "Tensor", base: FloatArray, scale: FloatArray):
        import torch

        self.reader, self.gabors, self.weights = reader, gabors, weights
        """weights: (n_cells, 4) of a constant, even, odd, and amplitude."""
        self.base, self.scale = (torch.from_numpy(part).float().to(device()) for part in (base, scale))
        self.pairs = gabors.pairs(reader.shape)

    def response(self, image_batch: "Tensor") -> "Tensor":
        return self.base + self.scale * _rate(_parts(self.reader(image_batch), self.pairs), self.weights).T

    def fields(self) -> FloatArray:
        """(n_cells, Y, X) the Gabor of each cell in its phase, on the pixels of the stimulus."""
        import torch

        phase = self.weights[:, 1:3]
        phase = phase + 1e-9 * torch.tensor([1.0, 0.0], device=phase.device)
        field = (self.pairs * (phase / phase.norm(dim=1, keepdim=True))[..., None, None]).sum(1)
        return (self.reader.rows.T @ field @ self.reader.columns).cpu().numpy()


class _Start:
    """Gabors, weights and data of fits, one a row."""

    def __init__(self, gabors: "Gabors", weights: "Tensor", mean: "Tensor", count: "Tensor"):
        self.gabors, self.weights, self.mean, self.count = gabors, weights, mean, count


def _parts(small: "Tensor", pairs: "Tensor") -> "Tensor":
    """(n, 4, n_images) constant, even, odd, and amplitude of Gabors (n, 2, y, x) on images (n_images, y, x)."""
    import torch

    both = torch.einsum("gpk,ik->gpi", pairs.flatten(2), small.flatten(1))
    amplitude = ((both**2).sum(1, keepdim=True) + 1e-6).sqrt()
    return torch.cat([torch.ones_like(amplitude), both, amplitude], 1)


def _rate(parts: "Tensor", weights: "Tensor") -> "Tensor":
    """(n, n_images)"""
    import torch

    return torch.nn.functional.elu((parts * weights[..., None]).sum(1)) + 1


def best_of_grid(grid: "Gabors", small: "Tensor", mean: "Tensor", count: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Of each cell the STARTS best Gabors, (n_cells, STARTS), by linear regression, and their weights (…, 4)."""
    import torch

    gains, weights = [], []
    shape = (small.shape[1], small.shape[2])
    share = count / count.sum(1, keepdim=True)
    off = mean - (share * mean).sum(1, keepdim=True)
    common = share.mean(0)
    for rows in torch.arange(len(grid.y), device=small.device).split(IMAGES):
        parts = _parts(small, grid[rows].pairs(shape))[:, 1:]
        parts = parts - (parts * common).sum(2, keepdim=True)
        gram = torch.einsum("gpi,gqi,i->gpq", parts, parts, common)
        gram = gram + RIDGE * torch.diag_embed(torch.diagonal(gram, dim1=1, dim2=2) + 1e-9)
        cross = torch.einsum("gpi,ci->gpc", parts, share * off)
        solved = torch.linalg.solve(gram, cross)
        gains.append((solved * cross).sum(1))
        weights.append(solved)
    gain, weight = torch.cat(gains), torch.cat(weights)
    chosen = gain.topk(STARTS, dim=0).indices.T
    cells = torch.arange(len(mean), device=small.device)[:, None]
    found = weight.permute(2, 0, 1)[cells, chosen]
    # ELU + 1 of x is x + 1 above 0; the constant brings the mean of the drive there.
    middle = torch.stack([_parts(small, grid[row].pairs(shape))[:, 1:].mean(2) for row in chosen])
    constant = (share * mean).sum(1)[:, None] - 1 - (found * middle).sum(2)
    return chosen, torch.cat([constant[..., None], found], 2)


def descend(
    start: _Start, small: "Tensor", steps: int, random: np.random.Generator
) -> tuple["Gabors", "Tensor", "Tensor"]:
    """Gabors, weights (n, 4) and Poisson losses (n,) after gradient descent on all rows at once."""
    import torch

    from groundtrace.encoding.pixels import Gabors

    shape = (small.shape[1], small.shape[2])
    values = [part.clone().requires_grad_(True) for part in start.gabors]
    weights = start.weights.clone().requires_grad_(True)
    # Places are in px, all others are angles, logarithms, or weights of values around 1.
    groups = [{"params": values[:2], "lr": 0.3}, {"params": [*values[2:], weights], "lr": 0.03}]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 0.003)
    for _ in range(steps):
        some = torch.from_numpy(np.sort(random.permutation(len(small))[:IMAGES])).to(small.device)
        parts = _parts(small[some], Gabors(*values).within(shape).pairs(shape))
        loss = poisson(_rate(parts, weights), start.mean[:, some], start.count[:, some]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        gabors = Gabors(*(value.detach() for value in values)).within(shape)
        pairs = gabors.pairs(shape)
        parts = torch.cat([_parts(batch, pairs) for batch in small.split(IMAGES)], 2)
        return gabors, weights.detach(), poisson(_rate(parts, weights), start.mean, start.count)


def poisson(rate: "Tensor", mean: "Tensor", count: "Tensor") -> "Tensor":
    """Loss (n_cells,) of all trials of cells (n_cells, n_images), per trial, without what depends on no model."""
    return (count * (rate - mean * (rate + 1e-6).log())).sum(1) / count.sum(1).clamp(min=1)
