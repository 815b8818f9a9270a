"""Ground truth at any frame rate and noise level, on the recording's true time axis: no drift, no shift."""

import numpy as np
from numpy.fft import irfft, rfft
from scipy.interpolate import Akima1DInterpolator

from groundtrace.arrays import FloatArray
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE, noise_level

OVERSAMPLING = 16
"""Points of the band-limited interpolation per native frame; between them it is linear."""


def resample(time: FloatArray, dff: FloatArray, frame_rate: float) -> tuple[FloatArray, FloatArray]:
    """dF/F on an even grid, and the grid: frame k is the mean over 1/frame_rate around time[0] + k / frame_rate.

    time: (n_frames,) s, increasing, steps may differ. dff: (n_frames,). Returns (n_new,) s and (n_new,).
    A recording at the same rate stays as it is; a slower one is interpolated.
    Each native sample stands for the time up to half-way to its neighbours, so a bin that cuts a sample takes its
    share. Recordings with fewer than two frames per bin are interpolated band-limited first: a bin that cuts one
    sample in two would blur by an amount that drifts with the beat of the two rates.
    """
    step = 1 / frame_rate
    grid = time[0] + step * np.arange(int((time[-1] - time[0]) * frame_rate + 1e-6) + 1)
    native, width = frame_interval(time), step
    if native > step / 2:
        time, dff = interpolate(time, dff)
        # A native frame is a mean over its own interval already; two boxes in a row widen like their squares.
        width = np.sqrt(max(step**2 - native**2, (native / OVERSAMPLING) ** 2))
    middle = (time[1:] + time[:-1]) / 2
    edges = np.concatenate([[2 * time[0] - middle[0]], middle, [2 * time[-1] - middle[-1]]])
    integral = np.concatenate([[0.0], np.cumsum(dff * np.diff(edges))])
    bins = np.clip(grid + width * np.array([[-0.5], [0.5]]), edges[0], edges[-1])
    return grid, (np.diff(np.interp(bins, edges, integral), axis=0) / np.diff(bins, axis=0))[0]


def frame_interval(time: FloatArray) -> float:
    """Time between frames (n_frames,), s: mean of the steps that skip no frame; exact where times are rounded."""
    steps = np.diff(time)
    return float(steps[steps < 1.5 * np.median(steps)].mean())


def interpolate(time: FloatArray, dff: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Band-limited interpolation at OVERSAMPLING points per native frame; ends are reflected, not wrapped.

    Irregular recordings are first put on an even grid of about the same number of frames per second (modified Akima,
    which does not swing beside a gap). time must increase.
    """
    frames = round((time[-1] - time[0]) / frame_interval(time)) + 1
    trace = Akima1DInterpolator(time, dff, method="makima")(np.linspace(time[0], time[-1], frames))
    mirrored = np.concatenate([trace, trace[-2:0:-1]])
    spectrum = rfft(mirrored)
    if len(mirrored) % 2 == 0:
        spectrum[-1] /= 2
    fine = irfft(spectrum, OVERSAMPLING * len(mirrored)) * OVERSAMPLING
    count = OVERSAMPLING * (frames - 1) + 1
    return np.linspace(time[0], time[-1], count), fine[:count]


def spike_counts(spike_time: FloatArray, time: FloatArray, frame_rate: float) -> FloatArray:
    """Spikes within half a frame of each time of an even grid (n_frames,), as float."""
    frame = np.floor((spike_time - time[0]) * frame_rate + 0.5)
    inside = (frame >= 0) & (frame < len(time))
    return np.bincount(frame[inside].astype(np.int64), minlength=len(time)).astype(np.float64)


def match_noise(dff: FloatArray, frame_rate: float, level: float, generator: np.random.Generator) -> FloatArray | None:
    """`dff` (n_frames,) with noise added up to ν = `level` (% Hz^-1/2); None when it has more already.

    The added noise is photon noise: Gaussian, its standard deviation growing as √(F/F₀) = √(1 + dF/F).
    """
    # Slow swings of dF/F do not add up with noise in a median of differences, so the level is searched, not computed.
    brightness = np.sqrt(np.clip(1 + dff, 0.05, None))
    noise = generator.standard_normal(len(dff)) * brightness
    if _level(dff, frame_rate) > level:
        return None
    low, high = 0.0, 2 * level * np.sqrt(frame_rate) / 100 / GAUSSIAN_DIFFERENCE
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if _level(dff + middle * noise, frame_rate) < level else (low, middle)
    return dff + low * noise


def _level(dff: FloatArray, frame_rate: float) -> float:
    return float(noise_level(dff[None], frame_rate)[0])
