"""Denoised dF/F of the true footprints of a simulated plane against their dF/F in the movie without noise.

The frames at which an event is measured come from the truth alone, so that noise cannot choose them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.benchmark.extraction import median
from groundtrace.benchmark.motion import rms
from groundtrace.benchmark.recipes import spike_correlation
from groundtrace.spikes.comparing import correlation
from groundtrace.traces.dff import DffParameters, compute_dff
from groundtrace.traces.noise import noise_sd

PAUSE = 0.5
"""s without a spike that part two events."""
RISE = 1.0
"""s within which an event has its peak."""
BEFORE = 3
"""Frames before an event, and around its peak, that are averaged."""
RARE = 3
"""Cells with fewer events are rare ones."""
LEAD = 5
"""Frames before an event that should not know of it."""
FAR = (25, 15)
"""Frames before an event, first and last, that are too far to know of it; isolated events have no spike since then."""
EVENT_FRAMES = 0.03
"""Share of the frames of a ROI, those with the most light, that are its event frames."""
THRESHOLD = 3.0
"""Amplitude of an event found in a movie without any, in standard deviations of the noise of the measured trace."""
BOXCARS = (3, 5, 7, 9, 13, 17)
"""Frames; running means whose band is compared."""

LEAST_ROIS = 3
"""Fewest ROIs that an error is told from."""
RESAMPLED = 200
"""Times that ROIs are drawn anew for an error (bootstrap): medians have no jackknife."""

Score = dict[str, float | int | None]


@dataclass(frozen=True)
class Events:
    """One value per event; frames are those of the trace."""

    roi: IntArray
    onset: IntArray
    """First frame that shows it."""
    peak: IntArray
    """Frame in which the clean trace is largest."""
    amplitude: FloatArray
    """Rise of the clean dF/F."""
    isolated: BoolArray
    """No spike in the frames that FAR begins with."""

    @property
    def large(self) -> BoolArray:
        """The larger half."""
        return self.amplitude >= np.median(self.amplitude) if len(self.amplitude) else np.zeros(0, bool)

    def rare(self) -> BoolArray:
        """Whether each event is of a cell with fewer than RARE of them."""
        return np.bincount(self.roi, minlength=1)[self.roi] < RARE

    def rises(self, traces: FloatArray) -> FloatArray:
        """What each event adds to `traces` (n_rois, n_frames): around its peak, less what was there before it."""
        half = BEFORE // 2
        around = traces[self.roi[:, None], self.peak[:, None] + np.arange(-half, half + 1)]
        before = traces[self.roi[:, None], self.onset[:, None] - 1 - np.arange(BEFORE)]
        return around.mean(axis=1) - before.mean(axis=1)


@dataclass(frozen=True)
class Truth:
    """What is known of the ROIs that are scored."""

    clean: FloatArray
    """(n_rois, n_frames) dF/F in the movie without noise."""
    spike_times: Sequence[FloatArray]
    """s from the first frame; negative ones still show."""
    frame_rate: float
    infer: Callable[[FloatArray], FloatArray]
    """Spike rates (n_rois, n_frames) from dF/F."""


def find_events(truth: Truth) -> Events:
    """Groups of spikes after a PAUSE, where the clean trace rises."""
    rate, frames, half = truth.frame_rate, truth.clean.shape[1], BEFORE // 2
    rows = []
    for roi, times in enumerate(truth.spike_times):
        spikes = np.unique(np.ceil(np.asarray(times, np.float64) * rate).astype(int))
        gap = np.diff(spikes, prepend=-(10**9))
        first = spikes[gap >= PAUSE * rate]
        for number, (onset, pause) in enumerate(zip(first, gap[gap >= PAUSE * rate], strict=True)):
            following = first[number + 1] if number + 1 < len(first) else frames
            stop = min(following, onset + round(RISE * rate), frames - half)
            if onset < BEFORE or stop <= onset + half:
                continue
            peak = onset + half + int(truth.clean[roi, onset + half : stop].argmax())
            rows.append((roi, onset, peak, pause > FAR[0] and onset >= FAR[0]))
    roi, onset, peak, isolated = np.array(rows, int).reshape(-1, 4).T
    events = Events(roi, onset, peak, np.zeros(len(roi)), isolated > 0)
    amplitude = events.rises(truth.clean.astype(np.float64))
    up = amplitude > 0
    return Events(roi[up], onset[up], peak[up], amplitude[up], events.isolated[up])


def score_trace(traces: FloatArray, truth: Truth, events: Events) -> Score:
    """Columns of DenoisingBenchmark that begin with `movie_` or `smoothed_`; traces: dF/F (n_rois, n_frames)."""
    pairs = list(zip(np.asarray(traces, np.float64), truth.clean.astype(np.float64), strict=True))
    rises, large = events.rises(np.asarray(traces, np.float64)), events.large
    some: dict[str, BoolArray] = {
        "slope": np.ones(len(rises), bool),
        "slope_small": ~large,
        "slope_large": large,
        "slope_rare": events.rare(),
    }
    return {
        "correlation": median([correlation(found, clean) for found, clean in pairs]),
        "snr": median([float(clean.std() / max(rms(found - clean), 1e-12)) for found, clean in pairs]),
        **{name: through_origin(rises[chosen], events.amplitude[chosen]) for name, chosen in some.items()},
        **{f"{name}_error": slope_error(events, rises, chosen) for name, chosen in some.items()},
        "leakage": leakage(traces, truth.clean, events),
        "spike_correlation": spike_score(traces, truth),
    }


def through_origin(found: FloatArray, true: FloatArray) -> float | None:
    """Slope of the regression of found on true values; None without any."""
    return float(found @ true / (true @ true)) if len(true) else None


def slope_error(events: Events, rises: FloatArray, chosen: BoolArray) -> float | None:
    """Standard error of `through_origin` by leaving out one ROI after the other (jackknife); None below three."""
    true = np.where(chosen, events.amplitude, 0.0)
    above, below = (np.bincount(events.roi, true * values) for values in (rises, true))
    above, below = above[below > 0], below[below > 0]
    if len(below) < LEAST_ROIS:
        return None
    without = (above.sum() - above) / (below.sum() - below)
    return float(np.sqrt((len(below) - 1) * without.var()))


def leakage(traces: FloatArray, clean: FloatArray, events: Events) -> float | None:
    """What a trace has too much in the LEAD frames before large isolated events, as a share of their amplitude."""
    chosen = events.isolated & events.large
    roi, onset = events.roi[chosen], events.onset[chosen]
    beyond = np.asarray(traces, np.float64) - clean
    near = beyond[roi[:, None], onset[:, None] - 1 - np.arange(LEAD)].mean(axis=1)
    far = beyond[roi[:, None], onset[:, None] - np.arange(FAR[1], FAR[0] + 1)].mean(axis=1)
    return through_origin(near - far, events.amplitude[chosen])


def spike_score(traces: FloatArray, truth: Truth) -> float | None:
    """Mean r of the rates inferred from `traces` with the true spikes, over the ROIs that fired."""
    duration = traces.shape[1] / truth.frame_rate
    fired = [k for k, times in enumerate(truth.spike_times) if np.any((times >= 0) & (times < duration))]
    if not fired:
        return None
    rates = truth.infer(np.asarray(traces[fired], np.float32))
    scores = [
        spike_correlation(rate, truth.spike_times[k], truth.frame_rate) for k, rate in zip(fired, rates, strict=True)
    ]
    return float(np.mean([score for score in scores if score is not None]))


def score_band(low: FloatArray, high: FloatArray, clean: FloatArray, boxcars: dict[int, FloatArray]) -> Score:
    """Coverage and width of a credible band around dF/F; boxcars: dF/F of running means by their number of frames.

    A boxcar's band is as wide everywhere as it must be to cover as many frames of that ROI.
    """
    inside = (clean >= low) & (clean <= high)
    events = clean >= np.quantile(clean, 1 - EVENT_FRAMES, axis=1, keepdims=True)
    widths, coverage = (high - low).mean(axis=1), inside.mean(axis=1)
    wide = np.array(
        [
            [2 * np.quantile(away, part) for away, part in zip(np.abs(boxcar - clean), coverage, strict=True)]
            for boxcar in boxcars.values()
        ]
    )
    return {
        "coverage": float(inside.mean()),
        "coverage_error": standard_error(coverage),
        "coverage_events": float(inside[events].mean()),
        "coverage_events_error": standard_error(
            np.array([own[at].mean() for own, at in zip(inside, events, strict=True)])
        ),
        "band_width": float(np.median(widths)),
        "band_ratio": _width_ratio(widths, wide),
        "band_ratio_error": _width_ratio_error(widths, wide),
        "boxcar_window": list(boxcars)[int(np.median(wide, axis=1).argmin())],
    }


def _width_ratio(widths: FloatArray, wide: FloatArray) -> float:
    """Median width (n_rois,) over that of the best boxcar (n_boxcars, n_rois)."""
    return float(np.median(widths) / np.median(wide, axis=1).min())


def _width_ratio_error(widths: FloatArray, wide: FloatArray) -> float | None:
    """Standard deviation of that when ROIs are drawn anew; None below LEAST_ROIS."""
    random, count = np.random.default_rng(0), len(widths)
    if count < LEAST_ROIS:
        return None
    drawn = (random.integers(0, count, count) for _ in range(RESAMPLED))
    return float(np.std([_width_ratio(widths[chosen], wide[:, chosen]) for chosen in drawn]))


def standard_error(values: FloatArray) -> float | None:
    """Standard error of the mean of one value per ROI; None below LEAST_ROIS."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) >= LEAST_ROIS else None


def boxcar_dff(
    fluorescence: FloatArray,
    neuropil: FloatArray,
    frame_rate: float,
    offset: float,
    parameters: DffParameters,
    coefficient: FloatArray,
) -> dict[int, FloatArray]:
    """dF/F of running means of F and Fneu, by their number of frames; coefficient: (n_rois,) r."""
    found = {}
    for window in BOXCARS:
        light, around = (uniform_filter1d(part, window, axis=1) for part in (fluorescence, neuropil))
        found[window] = compute_dff(light, around, frame_rate, offset, parameters, coefficient=coefficient).dff
    return found


def false_events(traces: FloatArray, measured: FloatArray, frame_rate: float) -> float:
    """Events per ROI and minute in `traces` of a movie without any: times that one rises above its median by THRESHOLD.

    measured: the traces before denoising, whose noise sets the threshold for all; both (n_rois, n_frames).
    """
    limit = THRESHOLD * noise_sd(measured)[:, None]
    above = traces - np.median(traces, axis=1, keepdims=True) > limit
    begins = np.count_nonzero(above[:, 1:] & ~above[:, :-1]) + np.count_nonzero(above[:, 0])
    return float(begins / (traces.size / frame_rate / 60))
