"""Cells whose responses to any image are known."""

from dataclasses import dataclass

import numpy as np
import torch

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding.base import EncodingModel
from groundtrace.encoding.pixels import Gabors
from groundtrace.testing.encoding import SHAPE, rough_images

SIMPLE, COMPLEX = 0, 1


def images(count: int, seed: int = 0) -> FloatArray:
    """(count, Y, X) from 0 to 1."""
    return rough_images(count, seed=seed)


class KnownCells(EncodingModel):
    """Simple and complex cells with Gabors: ELU + 1 of one phase, or the energy of both."""

    def __init__(self, kinds: tuple[int, ...], seed: int = 0):
        random = np.random.default_rng(seed)
        n = len(kinds)
        values = [random.uniform(0.4, 0.6, n) * size for size in SHAPE]
        frequency = random.uniform(0.1, 0.16, n)
        values += [random.uniform(0, np.pi, n), np.log(frequency), np.log(0.4 / frequency), np.zeros(n)]
        self.pairs = Gabors(*(torch.tensor(value, dtype=torch.float32) for value in values)).pairs(SHAPE)
        self.complex = torch.tensor([kind == COMPLEX for kind in kinds])

    def response(self, image_batch: torch.Tensor) -> torch.Tensor:
        both = torch.einsum("gpyx,nyx->npg", self.pairs, image_batch - 0.5)
        return torch.where(self.complex, 2 * (both**2).sum(1), torch.nn.functional.elu(3 * both[:, 0]) + 1)

    def likeness(self, images: FloatArray) -> FloatArray:
        """(n_cells,) correlation of image i with the Gabor of cell i, of a complex cell with that of the best phase."""
        off = images - images.mean(axis=(1, 2), keepdims=True)
        off = off / np.linalg.norm(off, axis=(1, 2), keepdims=True)
        pairs = self.pairs.numpy() / np.linalg.norm(self.pairs.numpy(), axis=(2, 3), keepdims=True)
        r = np.einsum("gpyx,gyx->gp", pairs, off)
        return np.where(self.complex.numpy(), np.hypot(*r.T), r[:, 0])


@dataclass
class Session:
    images: FloatArray
    image_of: IntArray
    responses: FloatArray
    cells: KnownCells


def session(count: int, repeats: int, kinds: tuple[int, ...] = (SIMPLE, COMPLEX), seed: int = 0) -> Session:
    """Poisson trials of cells, `repeats` of each image, in random order."""
    random, shown, cells = np.random.default_rng(seed), images(count, seed), KnownCells(kinds)
    image_of = random.permutation(np.repeat(np.arange(count), repeats))
    rate = cells.predict(shown)
    return Session(shown, image_of, random.poisson(rate[:, image_of]).astype(np.float32), cells)


def correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])
