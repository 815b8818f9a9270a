"""Images of a given mean and RMS contrast within the range of pixels: exactly, by projection."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from groundtrace.errors import InputError

TURNS = 60
TOLERANCE = 1e-5
"""Of mean and RMS contrast, relative to the latter."""


@dataclass(frozen=True)
class Contrast:
    """What images may be, in the units of the stimulus."""

    mean: float
    rms: float
    """Standard deviation over the pixels of an image."""
    low: float
    high: float
    """Of pixels."""

    def __post_init__(self) -> None:
        if not self.low < self.mean < self.high:
            raise InputError(
                f"most exciting images: a mean of {self.mean:g} is outside the range of pixels, {self.low:g} to "
                f"{self.high:g}; choose one inside"
            )
        most = math.sqrt((self.high - self.mean) * (self.mean - self.low))
        if not 0 < self.rms < 0.98 * most:
            raise InputError(
                f"most exciting images: an RMS contrast of {self.rms:g} cannot be reached: pixels from {self.low:g} to "
                f"{self.high:g} with a mean of {self.mean:g} have at most {most:g}, if all are black or white; lower it"
            )

    def project(self, images: Tensor) -> Tensor:
        """Images (n, Y, X) of this mean and RMS contrast, and in range: scaled, shifted, and clipped.

        Differentiable. An image without any contrast has no direction and becomes flat; one of which nearly all pixels
        are equal may not reach a high contrast, and comes as near as it can.
        """
        # Where few pixels are not clipped, single precision would leave the mean 1e-4 off.
        off = images.double()
        off = off - off.mean((1, 2), keepdim=True)
        off = off / off.std((1, 2), correction=0, keepdim=True).clamp(min=1e-12)
        with torch.no_grad():
            found = self._slope_and_offset(off)
        # Once more, so that gradients know how the two depend on the image.
        slope, offset = self._solved(off, *found)
        return (slope * off + offset).clamp(self.low, self.high).to(images.dtype)

    def _slope_and_offset(self, off: Tensor) -> tuple[Tensor, Tensor]:
        """Of each image, by turns: which pixels they clip, and what the others must be then."""
        slope, offset = (torch.full_like(off[:, :1, :1], value) for value in (self.rms, self.mean))
        for turn in range(TURNS):
            if bool((self.deviation((slope * off + offset).clamp(self.low, self.high)) < TOLERANCE).all()):
                break
            next_slope, next_offset = self._solved(off, slope, offset)
            share = 1.0 if turn < TURNS // 3 else 0.5
            slope, offset = slope + share * (next_slope - slope), offset + share * (next_offset - offset)
        return slope, offset

    def _solved(self, off: Tensor, slope: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Slope and offset that give mean and contrast, if they clip the pixels that the given ones clip."""
        value = slope * off + offset
        below, above = ((value < self.low).to(off).detach(), (value > self.high).to(off).detach())
        inside = 1 - below - above
        pixels, free = off[0].numel(), inside.sum((1, 2), keepdim=True).clamp(min=1)
        clipped = below * (self.low - self.mean) + above * (self.high - self.mean)
        middle = -clipped.sum((1, 2), keepdim=True) / free
        squares = (pixels * self.rms**2 - (clipped**2).sum((1, 2), keepdim=True)) / free
        centre = (inside * off).sum((1, 2), keepdim=True) / free
        spread = (inside * (off - centre) ** 2).sum((1, 2), keepdim=True) / free
        # Where what is clipped has too much contrast already, fewer pixels are clipped at the next turn.
        wanted = (squares - middle**2).clamp(min=(0.25 * self.rms) ** 2)
        slope = (wanted / spread.clamp(min=1e-12)).sqrt()
        return slope, self.mean + middle - slope * centre

    def deviation(self, images: Tensor) -> Tensor:
        """(n,) how far mean and RMS contrast are off, the larger, relative to the RMS contrast."""
        mean, rms = images.mean((1, 2)), images.std((1, 2), correction=0)
        return torch.maximum((mean - self.mean).abs(), (rms - self.rms).abs()) / self.rms
