"""What the network sees of a recording: its dF/F read in several ways, and a description of the whole.

Both are free of the recording's scale: dF/F is divided by its noise, or by the indicator's single-spike response, so
that one network serves every indicator, noise level and frame rate.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.fft import irfft, rfft, rfftfreq
from scipy.fft import next_fast_len
from scipy.linalg import solve_toeplitz
from scipy.optimize import root_scalar
from scipy.signal import oaconvolve

from groundtrace.arrays import ComplexArray, FloatArray
from groundtrace.indicators import Indicator
from groundtrace.traces.noise import noise_sd

OVERSAMPLING = 16
LONGEST_KERNEL = 1500
"""Frames after which a response is cut."""
FASTEST_RISE = 0.008
"""Time to peak, s, below which responses are taken as equally fast."""
EXPECTED_RATE = 2.0
"""Power of the spike train that the Wiener filter expects, as that of a Poisson process of this rate, Hz."""
DRIFT = 0.05
"""Frequency below which dF/F holds more drift than white noise, Hz."""
BANK = ((0.1, 0.02), (0.4, 0.05), (1.2, 0.15))
"""Decay and rise times, s, of the responses tried on every recording, whatever its indicator."""
CHANNELS = 3 + len(BANK)
PAST, MAX_PAST = 3.0, 150
"""Seconds, and frames at most, before t that a filter with a limited lookahead uses."""
DRIFT_VARIANCE = 1.0
"""Variance of the drift that it expects, over that of the white noise."""

QUANTILES = (1, 5, 25, 50, 75, 90, 95, 99, 99.9)
CORRELATION_LAGS = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
EVENT_TIMES = np.array([-0.3, -0.15, -0.05, 0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0])
"""Seconds from the peak at which the average large event is described."""
DESCRIPTION = len(QUANTILES) + 2 * len(CORRELATION_LAGS) - 1 + len(EVENT_TIMES) + 1 + 2 * (1 + len(BANK)) + 2
"""Numbers that `describe` gives."""


@dataclass(frozen=True)
class Response:
    """Response of the indicator to one spike as the network is told it."""

    decay_time: float
    rise_time: float
    amplitude: float
    told: bool
    """False when the indicator is unknown and the values are a typical indicator's."""

    @classmethod
    def of(cls, indicator: Indicator | None) -> "Response":
        if indicator is None:
            return cls.unknown()
        return cls(indicator.decay_time, max(indicator.rise_time, FASTEST_RISE), indicator.amplitude, True)

    @classmethod
    def unknown(cls) -> "Response":
        return cls(0.4, 0.06, 0.1, False)


@lru_cache(maxsize=4096)
def unit_response(decay_time: float, rise_time: float, frame_rate: float) -> FloatArray:
    """Mean dF/F per frame (n_kernel,) after a spike anywhere in frame 0; the response's peak is 1.

    (1 - exp(-t / r)) exp(-t / decay_time), with r such that the peak is at rise_time.
    """
    rise_time = min(rise_time, 0.6 * decay_time)
    rise = rise_constant(decay_time, rise_time)
    frames = int(min(8 * decay_time * frame_rate, LONGEST_KERNEL)) + 8
    time = np.arange(frames * OVERSAMPLING) / frame_rate / OVERSAMPLING
    response = (1 - np.exp(-time / rise)) * np.exp(-time / decay_time)
    # A spike is spread over its frame, and a frame is a mean over time: together a triangle two frames wide.
    box = np.ones(OVERSAMPLING) / OVERSAMPLING
    smeared = np.convolve(response / response.max(), np.convolve(box, box))[OVERSAMPLING - 1 :]
    return smeared[: len(time)][::OVERSAMPLING]


def rise_constant(decay_time: float, rise_time: float) -> float:
    """r of (1 - exp(-t / r)) exp(-t / decay_time) such that its peak is at rise_time < decay_time; all in s.

    1 / r = 1 / τ - 1 / decay_time with τ of `indicators.rise_constant`; solved by itself, because the released weights
    follow from this solution's last bit.
    """
    return float(root_scalar(lambda r: r * np.log1p(decay_time / r) - rise_time, bracket=(1e-6, 100)).root)


def wiener(
    spectrum: ComplexArray, frequency: FloatArray, response: FloatArray, signal_to_noise: float, frame_rate: float
) -> ComplexArray:
    """Spectrum of the spikes per frame: the linear estimate of least squared error from z = dF/F over its noise.

    spectrum: of z, (n_frequencies,) at `frequency` (Hz). response: of one spike with peak 1. The noise is white with
    variance 1, and grows below DRIFT.
    """
    length = 2 * (len(frequency) - 1)
    transfer = rfft(signal_to_noise * response, length).astype(np.complex64)
    power = EXPECTED_RATE / frame_rate
    noise = 1 + (DRIFT / np.maximum(frequency, 1e-4)) ** 2
    return spectrum * (power * np.conj(transfer) / (power * np.abs(transfer) ** 2 + noise)).astype(np.complex64)


def causal_filter(
    response: FloatArray, signal_to_noise: float, frame_rate: float, past: int, lookahead: int
) -> FloatArray:
    """Weights (past + lookahead + 1,) on z(t - past … t + lookahead) of the same estimate from a part of the trace."""
    taps = past + lookahead + 1
    power = EXPECTED_RATE / frame_rate
    kernel = signal_to_noise * np.pad(response, (0, max(taps - len(response), 0)))
    shared = np.correlate(kernel, kernel, "full")[len(kernel) - 1 :][:taps]
    covariance = power * shared + DRIFT_VARIANCE * np.exp(-2 * np.pi * DRIFT * np.arange(taps) / frame_rate)
    covariance[0] += 1
    with_spike = np.concatenate([np.zeros(past), kernel[: lookahead + 1]])
    return np.asarray(solve_toeplitz(covariance, power * with_spike), np.float64)


def read_recording(
    dff: FloatArray, frame_rate: float, response: Response, lookahead: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """What the network sees: channels (CHANNELS, n_frames) and the description of the recording (CONTEXT,), float32.

    dff: (n_frames,) fraction, finite. frame_rate: Hz. With `lookahead`, frame t of the channels depends on dF/F up to
    frame t + lookahead only; the description is of the whole of `dff`, or, online, of what was recorded before.
    """
    trace = np.asarray(dff, np.float32)
    noise = max(float(noise_sd(trace[None])[0]), 1e-4)
    ordered = np.sort(trace)
    lowest = _quantile(ordered, 10)
    baseline = min(_quantile(ordered, 50), lowest + 1.2816 * noise)
    z = (trace - np.float32(baseline)) / np.float32(noise)
    signal_to_noise = response.amplitude / noise
    kinds = ((response.decay_time, response.rise_time), *BANK)
    responses = [unit_response(round(decay, 4), round(rise, 4), float(frame_rate)) for decay, rise in kinds]
    spectrum, frequency, power = _spectrum(z, frame_rate)
    spikes = [
        irfft(wiener(spectrum, frequency, kind, signal_to_noise, frame_rate))[: len(z)].astype(np.float32)
        for kind in responses
    ]
    context = describe(z, (ordered - np.float32(baseline)) / np.float32(noise), power, spikes, frame_rate)
    told = [response.decay_time, response.rise_time, response.amplitude]
    known = np.log(told) if response.told else np.zeros(3)
    head = [np.log(frame_rate), np.log(noise), float(response.told), *known, np.log(signal_to_noise)]
    if lookahead is not None:
        past = int(min(PAST * frame_rate, MAX_PAST))
        ahead = np.concatenate([z[lookahead:], np.zeros(min(lookahead, len(z)), np.float32)])[: len(z)]
        spikes = [
            _apply(causal_filter(kind, signal_to_noise, frame_rate, past, lookahead), z, past) for kind in responses
        ]
        z = ahead
        head += [np.log1p(lookahead), lookahead / frame_rate]
    channels = [np.arcsinh(z) / 2, np.arcsinh(z / np.float32(signal_to_noise)), *(np.arcsinh(8 * s) for s in spikes)]
    return np.stack(channels).astype(np.float32), np.concatenate([head, context]).astype(np.float32)


def _spectrum(z: FloatArray, frame_rate: float) -> tuple[ComplexArray, FloatArray, FloatArray]:
    """Spectrum of the mirrored trace, its frequencies (Hz) and its power per frame."""
    length = 2 * int(next_fast_len(len(z) + 32) or 0)
    mirrored = np.concatenate([z, z[::-1], np.full(length - 2 * len(z), z[0], np.float32)])
    spectrum = rfft(mirrored)
    return spectrum, rfftfreq(length, 1 / frame_rate).astype(np.float32), np.abs(spectrum) ** 2 / length


def _apply(weights: FloatArray, z: FloatArray, past: int) -> FloatArray:
    """Σ_k weights[k] z[t - past + k] for each t; zero outside the recording."""
    lookahead = len(weights) - past - 1
    padded = np.concatenate([np.zeros(past, np.float32), z, np.zeros(lookahead, np.float32)])
    return np.asarray(oaconvolve(padded, weights[::-1].astype(np.float32), "valid"), np.float32)


def describe(
    z: FloatArray, ordered: FloatArray, power: FloatArray, spikes: list[FloatArray], frame_rate: float
) -> FloatArray:
    """The recording as a whole: how z is distributed, how long it remembers, what its large events look like.

    z: (n_frames,) dF/F over its noise; ordered: the same, sorted; power: of the mirrored z; spikes: Wiener estimates.
    """
    levels = np.arcsinh([_quantile(ordered, q) for q in QUANTILES])
    covariance = irfft(power)[: int(3.3 * frame_rate) + 2] - z.mean() ** 2
    memory = np.arcsinh(np.interp(CORRELATION_LAGS * frame_rate, np.arange(len(covariance)), covariance))
    sorted_spikes = [np.sort(estimate) for estimate in spikes]
    tails = [_quantile(estimate, q) for estimate in sorted_spikes for q in (99, 99.9)]
    usual = [np.arcsinh(8 * _quantile(sorted_spikes[0], 90)), np.log(spikes[0].std() + 1e-3)]
    events = event_shape(z, spikes[2], frame_rate)
    return np.concatenate([levels, memory, memory[1:] - memory[0], events, np.arcsinh(8 * np.array(tails)), usual])


def event_shape(z: FloatArray, spikes: FloatArray, frame_rate: float) -> FloatArray:
    """Average course of the largest events at EVENT_TIMES, its largest value 1, and the logarithm of that value."""
    frames = len(z)
    peaks = np.flatnonzero((spikes[1:-1] >= spikes[:-2]) & (spikes[1:-1] > spikes[2:])) + 1
    peaks = peaks[np.argsort(-spikes[peaks], kind="stable")][:200]
    apart, wanted = max(1, int(0.7 * frame_rate)), max(5, int(frames / frame_rate / 15))
    chosen: list[int] = []
    for peak in peaks.tolist():
        if all(abs(peak - other) > apart for other in chosen):
            chosen.append(peak)
        if len(chosen) == wanted:
            break
    if not chosen:
        return np.zeros(len(EVENT_TIMES) + 1)
    at = np.array(chosen)[:, None]
    grid = np.arange(frames)
    course = np.interp(np.clip(at + EVENT_TIMES * frame_rate, 0, frames - 1), grid, z)
    course = (course - np.interp(np.clip(at - 0.5 * frame_rate, 0, frames - 1), grid, z)).mean(axis=0)
    largest = np.abs(course).max() + 1e-6
    return np.append(course / largest, np.log(largest))


def _quantile(ordered: FloatArray, percent: float) -> float:
    """Quantile of sorted values (n,)."""
    below, part = divmod(percent / 100 * (len(ordered) - 1), 1)
    k = int(below)
    return float(ordered[k] * (1 - part) + ordered[min(k + 1, len(ordered) - 1)] * part)
