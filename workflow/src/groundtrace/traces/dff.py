"""From fluorescence to dF/F (a fraction) and its noise: pure functions on arrays."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, PositiveFloat

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.section import Section
from groundtrace.traces.axial import AxialMethod
from groundtrace.traces.gaps import with_lines
from groundtrace.traces.light import WATCHED, Light, watch
from groundtrace.traces.noise import noise_sd, shot_noise_level

UNKNOWN, LEAST_SPREAD = 0.3, 0.05
"""Standard deviation of neuropil coefficients where nothing is known of them, and within a field at least."""
FEWEST_ROIS, FEWEST_SAMPLES = 5, 60
"""ROIs that tell what is usual in a field; samples that a coefficient is fitted to."""
ALONE = 30.0
"""s; a stretch between gaps or borders of files that lasts as long has a baseline of its own."""
LEAST_BASELINE = 0.1
"""Least baseline over a ROI's uncorrected light; a neuropil that leaves less was overestimated."""
BASELINE_ERROR = 0.06
"""Standard error of the baseline over a ROI's uncorrected light where the neuropil coefficient is right."""


class NeuropilParameters(Section):
    """Removal of the neuropil's contribution, F - r Fneu."""

    method: Literal["fixed", "fitted"] = "fitted"
    """`fitted` estimates r per ROI, robust against the cell's activity and against bleaching, and leans on the other
    ROIs of the field where a ROI alone tells little; `fixed` uses `coefficient` for every ROI."""
    coefficient: float = Field(default=0.7, ge=0, le=2)
    """r of the method `fixed`; the fall-back of `fitted` where neuropil hardly varies."""


class BaselineParameters(Section):
    """Baseline F0 of the corrected fluorescence."""

    method: Literal["percentile", "maximin", "exponential"] = "percentile"
    """`percentile`: running percentile; `maximin`: running maximum of the running minimum of the smoothed trace;
    `exponential`: bleaching curve a + b exp(-t/τ) through the running percentile."""
    percentile: float = Field(default=10.0, gt=0, lt=100)
    """Percentile of the smoothed fluorescence in the window."""
    window: PositiveFloat = 60.0
    """Length of the running window, s."""
    smoothing: PositiveFloat = 1.0
    """Standard deviation of the Gaussian that smooths before minima and percentiles are taken, s."""


class DffParameters(Section):
    """Neuropil correction, baseline, dF/F."""

    neuropil: NeuropilParameters = NeuropilParameters()
    """Share of the surrounding neuropil to remove."""
    baseline: BaselineParameters = BaselineParameters()
    """What counts as zero."""
    axial: AxialMethod = "keep"
    """Axial motion: `regress` takes from F and Fneu, before everything else, what is a smooth function of the depth of
    the frame (of the axial mode where there is no z-stack), fitted robustly against the cell's activity."""
    subtract_offset: bool = True
    """Subtract the detector's offset (value at zero photons, from the variance-mean line) before dividing by the
    baseline; without it dF/F is too small."""


@dataclass(frozen=True)
class Dff:
    """dF/F of all ROIs and what it was made from; one value per ROI unless said."""

    dff: FloatArray
    """(n_rois, n_frames) float32, fraction; NaN where there is no light to divide by."""
    coefficient: FloatArray
    coefficient_error: FloatArray
    baseline: FloatArray
    """Median over time, detector units above the offset."""
    baseline_share: FloatArray
    """Baseline over the median uncorrected fluorescence above the offset."""
    near_zero: BoolArray
    floor: FloatArray
    """Least that F - F0 is divided by, detector units; 0 where F0 is clear of zero."""
    negative: BoolArray
    scale_error: FloatArray
    """Standard error of what F - F0 is divided by, over it: by so much all dF/F of a ROI may be off; NaN where Fneu is
    constant, as it is where there is none."""
    usable: BoolArray
    """(n_frames,) frames that have dF/F."""
    fitted: FloatArray
    """What the method `fitted` makes of the coefficient, and its standard error, also where another is used."""
    fitted_error: FloatArray
    light: Light
    """Frames without light, and steps of brightness."""


def neuropil_coefficient(
    fluorescence: FloatArray, neuropil: FloatArray, frame_rate: float, fallback: float = 0.7
) -> tuple[FloatArray, FloatArray]:
    """r of F = r Fneu + cell + slow change, per ROI, and its standard error; activity of the cell is weighted down.

    Both traces are averaged to 1 s, where the cell's own noise is small, and regressed with weights that fall for
    samples above the line (Huber, above only): a cell adds light, it never removes any. What cell and neuropil bleach
    alike is told from what one sees of the other by a cubic in time.
    `fallback` (error: UNKNOWN) is used where neuropil varies by less than 0.1 % of its mean. Shapes (n_rois, n_frames).
    """
    count, frames = fluorescence.shape
    step = max(1, min(round(frame_rate), frames // FEWEST_SAMPLES))
    bins = frames // step
    y, x = (
        traces[:, : bins * step].reshape(count, bins, step).mean(axis=2, dtype=np.float64)
        for traces in (fluorescence, neuropil)
    )
    spread = x.std(axis=1)
    flat = spread <= 1e-3 * np.abs(x.mean(axis=1))
    spread = np.where(flat, 1, spread)
    slow = np.polynomial.legendre.legvander(np.linspace(-1, 1, bins), 3)
    design = np.empty((count, bins, slow.shape[1] + 1))
    design[..., :-1], design[..., -1] = slow, (x - x.mean(axis=1, keepdims=True)) / spread[:, None]
    # Where there is nothing to fit, the ridge keeps the equations solvable.
    ridge = 1e-9 * bins * np.eye(design.shape[2])
    weights, slope, error = np.ones_like(y), np.zeros(count), np.zeros(count)
    for _ in range(20):
        weighted = np.moveaxis(design, 1, 2) * weights[:, None]
        inverse = np.linalg.inv(weighted @ design + ridge)
        found = (inverse @ (weighted @ y[..., None]))[..., 0]
        residual = y - (design @ found[..., None])[..., 0]
        below = np.minimum(residual, 0)
        scale = np.sqrt((below**2).sum(axis=1) / np.maximum((below < 0).sum(axis=1), 1)) + 1e-12
        slope, error = found[:, -1] / spread, scale * np.sqrt(inverse[:, -1, -1]) / spread
        weights = np.where(residual > scale[:, None], scale[:, None] / np.maximum(residual, 1e-12), 1.0) ** 2
    slope[flat], error[flat] = fallback, UNKNOWN
    return slope, error


def shared_coefficient(
    slope: FloatArray, error: FloatArray, believed: BoolArray, fallback: float
) -> tuple[FloatArray, FloatArray]:
    """Coefficients and errors of ROIs that draw on each other: those of one field are alike (empirical Bayes).

    A ROI whose own is uncertain takes that of the `believed` ones; where there are few of those, `fallback` ± UNKNOWN.
    """
    known = believed & (error < UNKNOWN)
    middle, spread = fallback, UNKNOWN
    if known.sum() >= FEWEST_ROIS:
        middle = float(np.median(slope[known]))
        scatter = 1.4826 * float(np.median(np.abs(slope[known] - middle)))
        spread = max(np.sqrt(max(scatter**2 - float(np.median(error[known] ** 2)), 0)), LEAST_SPREAD)
    own, common = 1 / np.maximum(error, 1e-6) ** 2, 1 / spread**2
    return np.clip((own * slope + common * middle) / (own + common), 0, 1.5), 1 / np.sqrt(own + common)


def baseline(traces: FloatArray, frame_rate: float, parameters: BaselineParameters) -> FloatArray:
    """Baseline F0 of each trace; (n_rois, n_frames) in and out, same units.

    The smoothed trace is sampled eight times per smoothing width: a window of a minute then costs as little at
    60 Hz as at 5 Hz, and the result is interpolated back to the frames. Beyond its ends a trace goes on as its mirror
    image: repeated, its first value alone would fill half of a window.
    """
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d, percentile_filter

    sigma = parameters.smoothing * frame_rate
    smooth = gaussian_filter1d(traces.astype(np.float64), sigma, axis=1, mode="reflect")
    frames = traces.shape[1]
    step = max(1, int(sigma / 8))
    at = np.arange(0, frames, step)
    sampled = smooth[:, at]
    width = max(3, min(round(parameters.window * frame_rate / step), sampled.shape[1]))
    if parameters.method == "maximin":
        coarse = maximum_filter1d(minimum_filter1d(sampled, width, axis=1), width, axis=1)
    else:
        # Every eighth of the window is dense enough for a running percentile that moves this slowly.
        coarse = percentile_filter(sampled, parameters.percentile, size=(1, width), mode="reflect")
        if parameters.method == "exponential":
            return np.stack([_bleaching_curve(at / frame_rate, row, np.arange(frames) / frame_rate) for row in coarse])
    return np.stack([np.interp(np.arange(frames), at, row) for row in coarse]) if len(coarse) else smooth


def _bleaching_curve(time: FloatArray, values: FloatArray, at: FloatArray) -> FloatArray:
    """a + b exp(-t/τ) through `values`: least squares in a and b for each τ of a grid from a tenth to ten times T."""
    duration = max(float(time[-1]), 1e-9)
    best, curve = np.inf, np.full(len(at), values.mean())
    for tau in duration * np.logspace(-1, 1, 25):
        design = np.stack([np.ones_like(time), np.exp(-time / tau)], axis=1)
        solution = np.linalg.lstsq(design, values, rcond=None)[0]
        misfit = float(((values - design @ solution) ** 2).sum())
        if misfit < best:
            best, curve = misfit, solution[0] + solution[1] * np.exp(-at / tau)
    return curve


def compute_dff(
    fluorescence: FloatArray,
    neuropil: FloatArray,
    frame_rate: float,
    offset: float,
    parameters: DffParameters,
    believed: BoolArray | None = None,
    coefficient: FloatArray | None = None,
    bad_frames: BoolArray | None = None,
    segment: IntArray | None = None,
) -> Dff:
    """dF/F = (F - r Fneu - F0) / F0 of each ROI.

    Parameters
    ----------
    fluorescence, neuropil : (n_rois, n_frames) array
        F and Fneu, detector units.
    frame_rate : float
        Hz.
    offset : float
        Detector units at zero photons.
    parameters : DffParameters
        Neuropil correction and baseline.
    believed : (n_rois,) bool array, optional
        ROIs that tell the others which neuropil coefficient is usual; all by default.
    coefficient : (n_rois,) array, optional
        Known r, as of the same ROIs in another version of the movie.
    bad_frames : (n_frames,) bool array, optional
        Frames that are not to be used. Frames without light are found here.
    segment : (n_frames,) int array, optional
        Number of the stretch without a gap or a border of files. Each has its own brightness and baseline.

    Returns
    -------
    Dff
        dF/F (n_rois, n_frames) as a fraction, and what it was made from.

    Notes
    -----
    Everything is that of a recording without bad frames and frames without light; their dF/F is NaN, as is that of a
    ROI where its F or Fneu has no finite value. Steps of
    brightness are divided out. A ROI whose baseline is within three of its own standard errors of zero, or below, is
    `near_zero`: it is divided by LEAST_BASELINE of its uncorrected light where F0 is less; where that is within its
    errors too, dF/F is NaN. `scale_error` is made of the error of the neuropil coefficient (of a fixed one, its
    difference from the fitted one too) and of BASELINE_ERROR of the uncorrected light.

    Examples
    --------
    >>> import numpy as np
    >>> from groundtrace.dff import DffParameters, NeuropilParameters, compute_dff
    >>> random = np.random.default_rng(0)
    >>> neuropil = random.normal(100, 0.2, (1, 3000))
    >>> fluorescence = random.normal(200, 2, (1, 3000))
    >>> fluorescence[:, 1500:1530] += 50
    >>> fixed = DffParameters(neuropil=NeuropilParameters(method="fixed", coefficient=0.5))
    >>> found = compute_dff(fluorescence, neuropil, frame_rate=30.0, offset=100.0, parameters=fixed)
    >>> found.baseline.round().tolist(), float(found.dff[0, 1500:1530].mean().round(1))
    ([100.0], 0.5)
    """
    count, frames = fluorescence.shape
    bad = np.zeros(frames, bool) if bad_frames is None else bad_frames
    finite = np.isfinite(fluorescence) & np.isfinite(neuropil)
    if count and not finite.all():
        bad = bad | ~finite.any(axis=0)
        fluorescence, neuropil = (with_lines(np.where(finite, each, np.nan)) for each in (fluorescence, neuropil))
    rows = slice(None, None, max(1, -(-count // WATCHED)))
    seen = watch([values[rows] - offset for values in (fluorescence, neuropil)], frame_rate, bad, segment)
    usable = ~(bad | seen.dark)
    stretches = own_baselines(segment, usable, frame_rate)
    light = _Usable(fluorescence, neuropil, offset, usable, seen.gain[usable])
    result = np.full((count, frames), np.nan, np.float32)
    level, share, floor, scale = np.zeros(count), np.zeros(count), np.zeros(count), np.full(count, np.nan)
    near_zero, negative = np.zeros(count, bool), np.zeros(count, bool)
    usual = parameters.neuropil.coefficient
    fitted = r, error = np.full(count, usual), np.zeros(count)
    if coefficient is not None:
        fitted = r, error = coefficient, np.zeros(count)
    else:
        fitted = _fitted(light, count, frame_rate, usual, believed)
        if parameters.neuropil.method == "fitted":
            r, error = fitted
    for block in _blocks(count) if usable.any() else []:
        raw, around = light.of(block)
        wrong = np.hypot(fitted[1][block], r[block] - fitted[0][block]) * np.median(around, axis=1)
        wrong[np.ptp(around, axis=1) == 0] = np.nan
        found = _above_baseline(raw, raw - r[block, None] * around, wrong, stretches, frame_rate, parameters.baseline)
        result[block, usable] = found.dff
        level[block], share[block], floor[block] = found.level, found.share, found.floor
        near_zero[block], negative[block], scale[block] = found.near_zero, found.negative, found.scale_error
    result[~finite] = np.nan
    return Dff(result, r, error, level, share, near_zero, floor, negative, scale, usable, *fitted, seen)


@dataclass(frozen=True)
class _Above:
    """dF/F (n_rois, n_frames) of a few ROIs and what is told of their baselines, as in Dff."""

    dff: FloatArray
    level: FloatArray
    share: FloatArray
    floor: FloatArray
    near_zero: BoolArray
    negative: BoolArray
    scale_error: FloatArray


def _above_baseline(
    raw: FloatArray,
    corrected: FloatArray,
    wrong: FloatArray,
    stretches: list[slice],
    frame_rate: float,
    parameters: BaselineParameters,
) -> _Above:
    """dF/F of light above the offset, `raw` as it was seen and `corrected` for neuropil; (n_rois, n_frames).

    `wrong` (n_rois,) is the standard error of the neuropil that was taken away.
    """
    typical, f0 = np.median(raw, axis=1), np.empty_like(corrected)
    for part in stretches:
        f0[:, part] = baseline(corrected[:, part], frame_rate, parameters)
    level = np.median(f0, axis=1)
    # The baseline averages about one second of frames.
    sd = noise_sd(corrected) / np.sqrt(max(1.0, parameters.smoothing * frame_rate))
    near_zero = f0.min(axis=1) <= 3 * sd
    floor = np.where(near_zero, LEAST_BASELINE * typical, 0)
    known = ~near_zero | (floor > 3 * sd)
    divisor, unknown = np.maximum(f0, floor[:, None]), np.full_like(f0, np.nan)
    dff = np.divide(corrected - f0, divisor, out=unknown, where=known[:, None])
    negative = (corrected < 0).mean(axis=1) > 0.01
    scale_error = np.full(len(raw), np.nan)
    np.divide(np.hypot(wrong, BASELINE_ERROR * typical), np.median(divisor, axis=1), out=scale_error, where=known)
    return _Above(dff, level, level / np.maximum(typical, 1e-12), floor, near_zero, negative, scale_error)


@dataclass(frozen=True)
class _Usable:
    """Fluorescence and neuropil (n_rois, n_frames) in the usable frames, above the offset and of even brightness."""

    fluorescence: FloatArray
    neuropil: FloatArray
    offset: float
    frames: BoolArray
    gain: FloatArray

    def of(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """Fluorescence and neuropil of a few ROIs."""
        every, even = bool(self.frames.all()), bool((self.gain == 1).all())

        def read(values: FloatArray) -> FloatArray:
            part = (values[block] if every else values[block][:, self.frames]) - self.offset
            return part if even else part / self.gain

        return read(self.fluorescence), read(self.neuropil)


def own_baselines(segment: IntArray | None, usable: BoolArray, frame_rate: float) -> list[slice]:
    """Parts of the usable frames that have a baseline of their own: whole segments, joined until they last ALONE."""
    edges, end = [0], int(usable.sum())
    segment = np.zeros(len(usable), np.int64) if segment is None else segment
    for border in np.flatnonzero(np.diff(segment[usable])) + 1:
        if min(border - edges[-1], end - border) >= ALONE * frame_rate:
            edges.append(int(border))
    return [slice(start, stop) for start, stop in pairwise([*edges, end])]


def _fitted(
    light: _Usable, count: int, frame_rate: float, usual: float, believed: BoolArray | None
) -> tuple[FloatArray, FloatArray]:
    """r of each ROI and its standard error."""
    slope, error = np.full(count, usual), np.zeros(count)
    if not light.frames.any():
        return slope, error
    for block in _blocks(count):
        slope[block], error[block] = neuropil_coefficient(*light.of(block), frame_rate, usual)
    return shared_coefficient(slope, error, np.ones(count, bool) if believed is None else believed, usual)


def _blocks(count: int) -> list[slice]:
    """A few ROIs at a time: double precision of a whole long session would not fit."""
    return [slice(start, start + 32) for start in range(0, count, 32)]


def signal_to_noise(dff: FloatArray) -> FloatArray:
    """99th percentile of dF/F above its median, in SDs of its noise; (n_rois, n_frames) to (n_rois,)."""
    found = np.full(len(dff), np.nan)
    for i in np.flatnonzero(np.isfinite(dff).any(axis=1)):
        high, middle = np.nanpercentile(dff[i], (99, 50))
        with np.errstate(divide="ignore", invalid="ignore"):
            found[i] = (high - middle) / noise_sd(dff[i])[0]
    return found


def expected_noise(dff: Dff, effective_pixels: FloatArray, gain: float | None, frame_rate: float) -> FloatArray:
    """ν that shot noise alone gives each ROI, % Hz^(-1/2); NaN when the gain is not known."""
    if gain is None:
        return np.full(len(dff.baseline), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        photons = dff.baseline / dff.baseline_share / gain
    return shot_noise_level(photons, effective_pixels, dff.baseline_share, frame_rate)
