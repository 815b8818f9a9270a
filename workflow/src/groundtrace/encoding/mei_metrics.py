"""What a most exciting image looks like: where it is, how bright, which orientation, frequency and symmetry."""

from typing import NamedTuple

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray

EXTENT = 2.0
"""Radius of the mask, in standard deviations of the gradient energy."""
BINS = 16
"""Of the orientation of the power spectrum, over 180°: as wide as π / 16."""
PADDED = 128
"""px of the padded image whose spectrum is taken."""


class Mask(NamedTuple):
    """Where the structure of an image is."""

    y: float
    x: float
    """px, centre of mass of the gradient energy."""
    height: float
    width: float
    """px, its standard deviations."""

    def inside(self, shape: tuple[int, int]) -> BoolArray:
        """(Y, X) true in an ellipse of EXTENT standard deviations."""
        return self._distance(shape) <= EXTENT

    def window(self, shape: tuple[int, int]) -> FloatArray:
        """(Y, X) 1 inside the mask, and from there on smoothly to 0 at twice its radius."""
        return np.cos(np.clip(self._distance(shape) / EXTENT - 1, 0, 1) * np.pi / 2) ** 2

    def _distance(self, shape: tuple[int, int]) -> FloatArray:
        y, x = np.ogrid[: shape[0], : shape[1]]
        return np.hypot((y - self.y) / self.height, (x - self.x) / self.width)


def mask_of(image: FloatArray) -> Mask:
    """Mask of an image (Y, X), from centre of mass and extent of its gradient energy above that of the median pixel."""
    energy = sum(part**2 for part in np.gradient(image.astype(np.float64)))
    energy = np.maximum(energy - np.median(energy), 0)
    y, x = np.indices(image.shape)
    if energy.sum() == 0:
        return Mask(*((n - 1) / 2 for n in image.shape), *(n / 4 for n in image.shape))
    centre = [float(np.average(axis, weights=energy)) for axis in (y, x)]
    squares = [(axis - at) ** 2 for axis, at in zip((y, x), centre, strict=True)]
    return Mask(*centre, *(max(float(np.sqrt(np.average(part, weights=energy))), 1.0) for part in squares))


def spectrum(image: FloatArray, mask: Mask | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Power, spatial frequency (cycles per px), and direction (radians, 0 to π) of the waves of an image (Y, X) inside
    a mask, without frequency zero; three of (n,)."""
    window = np.ones(image.shape) if mask is None else mask.window(image.shape)
    off = (image - np.average(image, weights=window)) * window
    size = max(PADDED, *image.shape)
    power = np.abs(np.fft.fft2(off, (size, size))) ** 2
    y, x = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    frequency = np.hypot(y, x)
    # Corners of the spectrum exist in some directions only.
    some = (frequency > 0) & (frequency <= 0.5)
    return power[some], frequency[some], np.mod(np.arctan2(y, x)[some], np.pi)


def symmetry(image: FloatArray, n: int, mask: Mask | None = None) -> float:
    """n-fold symmetry index |Σ P(θ) exp(i2nθ)| / Σ P(θ) of the power spectrum, averaged in bins of π / 16; 1 is a
    grating for n = 1, and for n = 2 a grating or a plaid at right angles; 0 has no direction."""
    power, _, direction = spectrum(image, mask)
    # Bins around multiples of π / 16, so that waves along pixels fall into the middle of one.
    bins = np.rint(direction / np.pi * BINS).astype(int) % BINS
    total = np.bincount(bins, power, BINS) / np.maximum(np.bincount(bins, minlength=BINS), 1)
    angle = np.arange(BINS) * np.pi / BINS
    return float(np.abs((total * np.exp(2j * n * angle)).sum()) / max(total.sum(), 1e-300))


def metrics(image: FloatArray) -> dict[str, float]:
    """Numbers of an image (Y, X) inside its own mask.

    `luminance` and `rms` in the units of the stimulus; `orientation` of the stripes, degrees counterclockwise from
    horizontal; `frequency`, cycles per px; `symmetry_1` and `symmetry_2`; `centre_y`, `centre_x` and `size`, px.
    """
    mask = mask_of(image)
    inside = image[mask.inside((image.shape[0], image.shape[1]))]
    power, frequency, direction = spectrum(image, mask)
    along = np.angle((power * np.exp(2j * direction)).sum()) / 2
    return {
        "luminance": float(inside.mean()),
        "rms": float(inside.std()),
        # Rows count downwards, and stripes are at right angles to their waves.
        "orientation": float(np.mod(90 - np.degrees(along), 180)),
        # Along that direction: across it, a small image has frequencies that it owes to its size.
        "frequency": float(np.average(frequency * np.abs(np.cos(direction - along)), weights=power)),
        "symmetry_1": symmetry(image, 1, mask),
        "symmetry_2": symmetry(image, 2, mask),
        "centre_y": mask.y,
        "centre_x": mask.x,
        "size": float(np.sqrt(mask.height * mask.width)),
    }


def phase_free_similarity(image: FloatArray, gabor: FloatArray) -> float:
    """Correlation of an image (Y, X) with a Gabor in the phase that fits best.

    The Gabor and its partner in quadrature span all phases; the partner is the Hilbert transform along its waves.
    """
    off, even = image - image.mean(), gabor - gabor.mean()
    waves = np.fft.fft2(even)
    y, x = np.meshgrid(np.fft.fftfreq(image.shape[0]), np.fft.fftfreq(image.shape[1]), indexing="ij")
    vector = (np.abs(waves) ** 2 * np.exp(2j * np.arctan2(y, x))).sum()
    along = np.angle(vector) / 2
    odd = np.fft.ifft2(waves * -1j * np.sign(y * np.sin(along) + x * np.cos(along))).real
    odd -= even * (odd * even).sum() / max((even**2).sum(), 1e-300)
    parts = [(off * part).sum() / max(np.linalg.norm(off) * np.linalg.norm(part), 1e-300) for part in (even, odd)]
    return float(np.hypot(*parts))
