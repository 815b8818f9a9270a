"""What models see of images, and Gabors: the torch side that all models share."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from groundtrace.arrays import FloatArray


class Reader(nn.Module):
    """Images (n, Y, X) in the units of the stimulus to standardised ones (n, y, x), averaged down where large."""

    rows: Tensor
    columns: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, images: FloatArray, side: int):
        """images: (n_images, Y, X) that mean and standard deviation are taken from. side: px, most of the result."""
        super().__init__()
        shrink = min(1.0, side / max(images.shape[1:]))
        for name, size in zip(("rows", "columns"), images.shape[1:], strict=True):
            self.register_buffer(name, averaging(size, max(1, round(size * shrink))))
        small = self.rows @ torch.from_numpy(images) @ self.columns.T
        self.register_buffer("mean", small.mean())
        self.register_buffer("scale", small.std().clamp(min=1e-6))

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the result."""
        return len(self.rows), len(self.columns)

    def forward(self, images: Tensor) -> Tensor:
        return (self.rows @ images @ self.columns.T - self.mean) / self.scale


def averaging(size: int, fewer: int) -> Tensor:
    """(fewer, size) matrix that averages neighbouring pixels, with those on a border in parts."""
    edges = torch.linspace(0, size, fewer + 1, dtype=torch.float64)
    pixel = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixel + 1) - torch.maximum(edges[:-1, None], pixel)
    return (overlap.clamp(min=0) * fewer / size).float()


class Gabors(NamedTuple):
    """Parameters of Gabors, each (n,), in px of the image."""

    y: Tensor
    x: Tensor
    angle: Tensor
    """Radians, of the direction in which it is modulated; 0 is to the right."""
    frequency: Tensor
    """log of cycles per px."""
    size: Tensor
    """log of the standard deviation of the envelope across the stripes."""
    length: Tensor
    """log of that along the stripes over that across."""

    def pairs(self, shape: tuple[int, int]) -> Tensor:
        """(n, 2, Y, X) even and odd Gabors, of unit norm on average and without a mean."""
        y = torch.arange(shape[0], device=self.y.device) - self.y[:, None]
        x = torch.arange(shape[1], device=self.y.device) - self.x[:, None]
        cosine, sine = self.angle.cos()[:, None, None], self.angle.sin()[:, None, None]
        across = x[:, None, :] * cosine + y[:, :, None] * sine
        along = y[:, :, None] * cosine - x[:, None, :] * sine
        width = self.size.exp()[:, None, None]
        envelope = torch.exp(-((across / width) ** 2 + (along / (width * self.length.exp()[:, None, None])) ** 2) / 2)
        phase = 2 * math.pi * self.frequency.exp()[:, None, None] * across
        both = envelope[:, None] * torch.stack([phase.cos(), phase.sin()], 1)
        both = both - envelope[:, None] * (both.sum((2, 3)) / envelope.sum((1, 2))[:, None])[..., None, None]
        return both / ((both**2).sum((1, 2, 3)) / 2).clamp(min=1e-12).sqrt()[:, None, None, None]

    def within(self, shape: tuple[int, int]) -> "Gabors":
        """The same with centres in the image, frequencies that pixels can show, and sizes of 0.2 to 1.5 periods."""
        nyquist, slowest = math.log(0.4), math.log(0.5 / max(shape))
        frequency = self.frequency.clamp(slowest, nyquist)
        size = torch.minimum(torch.maximum(self.size, math.log(0.2) - frequency), math.log(1.5) - frequency)
        y, x = self.y.clamp(0, shape[0] - 1), self.x.clamp(0, shape[1] - 1)
        return Gabors(y, x, self.angle, frequency, size, self.length.clamp(-0.7, 0.7))

    def __getitem__(self, rows):  # pyright: ignore[reportIncompatibleMethodOverride]
        return Gabors(*(part[rows] for part in self._asdict().values()))

    @classmethod
    def grid(cls, shape: tuple[int, int], directions: int = 8, frequencies: int = 5, spacing: float = 1.0) -> "Gabors":
        """Gabors that cover an image, so many standard deviations apart: denser where they are smaller."""
        found = []
        for frequency in np.geomspace(2 / min(shape), 0.25, frequencies):
            size = 0.5 / frequency
            places = [np.linspace(0, n - 1, max(3, math.ceil(n / (spacing * size)) + 1))[1:-1] for n in shape]
            angles = np.arange(directions) * np.pi / directions
            for y, x, angle in np.stack(np.meshgrid(*places, angles, indexing="ij"), -1).reshape(-1, 3):
                found.append((y, x, angle, np.log(frequency), np.log(size), 0.0))
        return cls(*torch.tensor(np.array(found), dtype=torch.float32).T)
