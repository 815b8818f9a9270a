"""Bidirectional scanning: every second line runs backwards, and lies displaced when its timing is off."""

import numpy as np
from scipy import fft

from groundtrace.arrays import IntArray

LARGEST = 10.0
"""px."""
UPSAMPLING = 32


def scan_offset(frames: np.ndarray, shifts: IntArray) -> float:
    """px by which odd lines are displaced along x against even ones.

    frames: (n, height, width). shifts: (n, 2) whole px that lay them on one another. Averaged over frames before they
    are correlated, those moved by an even and by an odd number of lines apart: noise that neighbouring lines share
    would pull the offset of single frames to 0.
    """
    size = frames.shape[2]
    spectrum = np.zeros(size // 2 + 1, complex)
    for parity in (0, 1):
        chosen = np.flatnonzero(shifts[:, 0] % 2 == parity)
        if not len(chosen):
            continue
        mean = np.mean([np.roll(frames[i], -shifts[i], (0, 1)) for i in chosen], axis=0)
        # Raw line y lies at y - shift: odd ones are those of the other parity when the shift is odd.
        lines = fft.rfft(mean - mean.mean(axis=1, keepdims=True), axis=1)
        first = 1 + parity
        odd = np.asarray(lines)[first:-1:2]
        even = (np.asarray(lines)[first - 1 : -2 : 2] + np.asarray(lines)[first + 1 :: 2]) / 2
        spectrum += len(chosen) * (np.conj(even) * odd).sum(axis=0)
    fine = np.asarray(fft.irfft(spectrum, n=size * UPSAMPLING))
    reach = int(min(LARGEST, size / 4) * UPSAMPLING)
    around = np.arange(-reach, reach + 1)
    return float(around[np.argmax(fine[around])] / UPSAMPLING)


def straighten(frames: np.ndarray, offset: float) -> np.ndarray:
    """Frames (n, height, width) with odd lines moved back, float32; the same frames when there is no offset.

    To estimate displacements: what is written is interpolated once, from the raw frame.
    """
    if not offset:
        return frames
    straight = frames.astype(np.float32)
    size = frames.shape[2]
    place = np.clip(np.arange(size) + offset, 0, size - 1)
    before = np.minimum(place.astype(int), size - 2)
    share = (place - before).astype(np.float32)
    lines = straight[:, 1::2]
    straight[:, 1::2] = lines[..., before] * (1 - share) + lines[..., before + 1] * share
    return straight
