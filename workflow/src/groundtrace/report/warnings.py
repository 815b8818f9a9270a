"""Plain-language warnings about a recording: what was found, what it means, what to do."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from groundtrace.indicators import indicators
from groundtrace.report.html import number
from groundtrace.report.parameters import ReportParameters

if TYPE_CHECKING:
    from groundtrace.report.session import SessionInputs

Severity = Literal["critical", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "note")

SHARE = 0.1
"""Share of the cells that must have a fault before it is worth a warning."""
FOCUS_LOSS = 0.15
"""Relative loss of correlation with the template over a recording that looks like a drift out of focus."""
SHORT = 60.0
"""Recordings shorter than this leave too little quiet time for a baseline, s."""
MOST = 0.5
"""Share of the cells from which something holds for most of them."""
SILENT = 0.5
"""Inferred spikes in a whole recording below which a cell counts as silent."""
TRAINED_RATES = (5, 60)
"""Frame rates that the method network was trained on, Hz (groundtrace.network.examples)."""
TRAINED_NOISE = 10.0
"""Largest ν that it was trained on, % Hz^-1/2."""
COVERAGE = 0.05
"""Error of the coverage of held-out frames that is worth a warning."""
EDGE = 0.1
"""Displacement as a share of the field from which registration by correlation is unsure."""


@dataclass(frozen=True)
class Warning:
    """One thing a user should know before trusting a recording."""

    severity: Severity
    title: str
    meaning: str
    action: str


def session_warnings(inputs: "SessionInputs", parameters: ReportParameters) -> list[Warning]:
    """All warnings of one session, plane and recipe, the worst first."""
    checks: list[Callable[[SessionInputs, ReportParameters], Iterator[Warning]]] = [
        _cells, _noise, _accuracy, _training, _rates, _sampling, _motion, _bad_frames, _light, _acquisition, _traces,
        _denoising,
    ]  # fmt: skip
    found = [warning for check in checks for warning in check(inputs, parameters)]
    return sorted(found, key=lambda warning: SEVERITIES.index(warning.severity))


def median(column: pl.Series) -> float:
    """Median of the finite values, NaN when there is none."""
    values = column.cast(pl.Float64).drop_nulls().drop_nans().median()
    return float(values) if isinstance(values, float) else math.nan


def share(part: float) -> str:
    """A fraction in per cent."""
    return f"{number(100 * part, 2)} %"


def _cells(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    rois, cells = inputs.traces.height, inputs.cells.height
    if not rois:
        yield Warning(
            "critical",
            "No ROI was found",
            "There is nothing to measure: the field has no active cell, or the detection does not suit it.",
            "Look at the mean images below. If you see cells, set the expected cell diameter of the extraction to "
            "theirs and lower its detection threshold.",
        )
    elif not cells:
        yield Warning(
            "critical",
            f"None of {rois} ROIs is accepted as a cell",
            "The classifier takes all ROIs for something else than somata, so every summary is empty.",
            "Look at the ROI map. If cells are among them, lower the acceptance threshold of the extraction.",
        )
    elif cells < parameters.few_cells:
        yield Warning(
            "note",
            f"Only {cells} accepted cell{'s' if cells > 1 else ''}",
            "Medians over so few cells say little about the recording.",
            "Judge the cells one by one in the trace browser.",
        )


def _noise(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    level = median(inputs.cells["noise_level"])
    if level > parameters.noise_level_warning:
        yield Warning(
            "warning",
            f"Median ν is {number(level, 2)} %/√Hz: only bursts can be trusted",
            "At this noise single spikes disappear; spike rates follow bursts of several spikes at best, and "
            "weakly active cells look silent.",
            "Compare bursts and changes of rate, not single spikes or exact rates. For new recordings: image fewer "
            "cells, raise the laser power within safe limits, or improve the expression.",
        )
    odd = int(inputs.cells["looks_denoised"].sum())
    if odd > SHARE * max(inputs.cells.height, 1):
        yield Warning(
            "warning",
            f"{odd} of {inputs.cells.height} traces look already denoised",
            "Their noise is far below the shot noise of their own photons, so the movie was smoothed or averaged "
            "before it came here. ν is then too low and promises an accuracy that is not there.",
            "Feed the raw movie. If averaging is part of the acquisition, do not compare ν with other recordings.",
        )


def _accuracy(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    expected, wanted = inputs.expected, parameters.accuracy
    below = int((expected < wanted).sum())
    if below > MOST * max(len(expected), 1):
        yield Warning(
            "warning",
            f"{below} of {len(expected)} cells are expected to correlate with their true spike rate by less than "
            f"{number(wanted)}",
            f"Their median is {number(median(expected), 2)}. So it was for neurons with simultaneous electrical "
            "recordings, at this noise, frame rate and indicator.",
            "Do not interpret single spikes. Average over trials, over time, or over neighbouring cells that respond "
            "alike. For new recordings: more photons from each cell, by a smaller field, more laser power within safe "
            "limits, or better expression.",
        )


def _training(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    if inputs.method != "network":
        return
    frame_rate, (low, high) = inputs.acquisition.frame_rate, TRAINED_RATES
    if not low <= round(frame_rate) <= high:
        yield Warning(
            "warning",
            f"The method network was never trained at {number(frame_rate)} Hz",
            f"It has learnt from recordings of {low} to {high} Hz. Beyond them its rates and the accuracy expected of "
            "them are extrapolated.",
            "Compare with another method of spike inference, such as oasis."
            + (f" Or average neighbouring frames, down to {high} Hz or less." if frame_rate > high else ""),
        )
    noisy = int((inputs.cells["noise_level"] > TRAINED_NOISE).sum())
    if noisy > SHARE * max(inputs.cells.height, 1):
        yield Warning(
            "warning",
            f"{noisy} of {inputs.cells.height} cells are noisier than anything the method network was trained on",
            f"It has learnt from traces of ν up to {number(TRAINED_NOISE)} %/√Hz. Beyond it its rates and the accuracy "
            "expected of them are extrapolated.",
            "Leave cells of a higher ν out, or use only averages over many trials.",
        )


def _rates(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    mean = inputs.cell_spikes["mean_rate"].drop_nulls().drop_nans()
    fast = int((mean > parameters.rate_warning).sum())
    if fast:
        yield Warning(
            "warning" if fast > SHARE * len(mean) else "note",
            f"{fast} of {len(mean)} cells fire at an implausible mean rate above {number(parameters.rate_warning)} Hz",
            "Few neurons fire so fast all the time. More likely the baseline lies too low, movement looks like "
            "activity, or the transients are larger than those the method assumes.",
            "Look at these cells' dF/F: between transients it should return to zero. Check the indicator in the sheet.",
        )
    duration = inputs.acquisition.frames / inputs.acquisition.frame_rate
    silent = int((mean * duration < SILENT).sum())
    if silent > MOST * max(len(mean), 1):
        yield Warning(
            "warning",
            f"{silent} of {len(mean)} cells have no spikes",
            "The spike inference found not one spike in their whole recording: they are silent, their transients are "
            "below the noise, or they are no cells.",
            "Compare dF/F and rate in the trace browser. If you see transients, check frame rate and indicator in the "
            "sheet, or lower the threshold of the spike inference.",
        )


def _sampling(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    acquisition = inputs.acquisition
    indicator = indicators().get(acquisition.indicator)
    if indicator and indicator.decay_time * acquisition.frame_rate < parameters.signal_frames:
        frames = indicator.decay_time * acquisition.frame_rate
        yield Warning(
            "warning",
            f"The frame rate is low for {indicator.name}: {number(frames, 2)} frames per decay time",
            "A transient is over within a frame or two, so it is hard to tell from noise and its spike times are "
            "uncertain by a frame or more.",
            "Bin spike rates over several frames. For new recordings: fewer planes, a smaller field, or a slower "
            "indicator.",
        )
    duration = acquisition.frames / acquisition.frame_rate
    if duration < SHORT:
        yield Warning(
            "note",
            f"The recording lasts {number(duration)} s only",
            "Baseline and noise are estimated from little quiet time; dF/F may be biased.",
            "Concatenate the files of one session if there are more: the sheet's path takes several.",
        )


def _motion(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    quality, acquisition = inputs.motion_quality.row(0, named=True), inputs.acquisition
    residual = quality["residual_motion"]
    if residual is not None and residual > parameters.residual_motion_warning:
        yield Warning(
            "warning",
            f"Residual motion is {number(residual, 2)} px after registration",
            "Cells still move under their ROIs; what looks like activity may be movement, above all when the animal "
            "runs.",
            "Look at the shifts below. Try nonrigid registration, or smaller blocks.",
        )
    before, after = quality["template_correlation_before"], quality["template_correlation"]
    if before is not None and after is not None and after < before - 0.02:
        yield Warning(
            "warning",
            "Registration made the movie worse",
            f"Frames correlate less with the template than before ({number(after, 2)} after, {number(before, 2)} "
            "before): shifts were found where there were none.",
            "Use the recipe's motion method none, or rigid registration with more smoothing.",
        )
    if quality["displacement_max"] > EDGE * min(acquisition.height, acquisition.width):
        yield Warning(
            "note",
            f"The tissue moved by up to {number(quality['displacement_max'], 2)} px",
            "Cells near the edge left the field, and the largest shifts may be cut at the registration's limit.",
            "Look at the shifts below; a flat top at the largest values means that the limit is too small.",
        )
    start, end = _ends(inputs.shifts["template_correlation"])
    if start > 0 and end < (1 - FOCUS_LOSS) * start:
        yield Warning(
            "warning",
            f"Correlation with the template falls by {share(1 - end / start)} over the recording",
            "The focus probably drifted: late frames show another depth, and cells fade in or out for that reason.",
            "Compare early and late activity with care, or cut the recording.",
        )


def _bad_frames(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    bad, frames = inputs.motion_quality["bad_frames"][0], inputs.acquisition.frames
    if bad > parameters.bad_frames_warning * frames:
        reasons = inputs.shifts.filter(pl.col("bad"))["reason"].value_counts(sort=True)
        named = ", ".join(f"{count} {reason}" for reason, count in reasons.iter_rows())
        yield Warning(
            "critical" if bad > 4 * parameters.bad_frames_warning * frames else "warning",
            f"{share(bad / frames)} of the frames are bad",
            f"{number(bad, 9)} of {number(frames, 9)} frames ({named}) were left out when ROIs were detected, but "
            "stay in the traces.",
            "Exclude these frames from your analysis; the column bad of shifts.parquet marks them.",
        )


def _light(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    quality = inputs.raw_quality.row(0, named=True)
    if quality["saturated"] > parameters.saturation_warning:
        cells = int(inputs.cells["saturated"].sum())
        yield Warning(
            "warning",
            f"{share(quality['saturated'])} of the pixels are saturated",
            f"Their peaks are cut off, so large transients look small ({cells} accepted cells are affected).",
            "Leave the marked cells out of comparisons of amplitude. Lower the detector gain or the laser power.",
        )
    drift = quality["brightness_drift"]
    if drift < -parameters.bleaching_warning:
        yield Warning(
            "warning",
            f"The recording lost {share(-drift)} of its brightness",
            "The indicator bleaches, or the focus or the immersion is lost; noise grows as the light falls.",
            "Use the exponential baseline. Do not compare amplitudes from the start and the end.",
        )
    elif drift > parameters.bleaching_warning:
        yield Warning(
            "note",
            f"The recording became {share(drift)} brighter",
            "The focus moved, the laser warmed up, or the background grew; the baseline follows it in part.",
            "Look at the brightness below before comparing the start with the end.",
        )
    if quality["gain"] is None:
        yield Warning(
            "note",
            "The photon gain could not be measured",
            "Variance does not grow with the mean as shot noise does. Photon numbers are missing, and whether traces "
            "were denoised beforehand cannot be checked.",
            "Check that the movie is raw: not scaled, averaged, compressed or background-subtracted.",
        )


def _acquisition(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    quality = inputs.raw_quality.row(0, named=True)
    if dropped := quality["dropped_frames"]:
        yield Warning(
            "warning",
            f"{dropped} dropped frame{'s' if dropped > 1 else ''}",
            "These frames repeat the one before, pixel by pixel: the acquisition lost a frame and filled the gap.",
            "Check the alignment with your other signals by their own clock; do not count frames.",
        )
    if blank := quality["blank_frames"]:
        yield Warning(
            "note",
            f"{blank} blank frame{'s' if blank > 1 else ''}",
            "Frames without light, for instance under a closed shutter or during photostimulation.",
            "They are marked bad; exclude them from your analysis.",
        )


def _traces(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    cells = inputs.cells
    flawed = int(cells["baseline_near_zero"].sum())
    if flawed > SHARE * max(cells.height, 1):
        yield Warning(
            "warning",
            f"{flawed} of {cells.height} cells have a baseline near zero",
            "dF/F divides by the baseline: here it is meaningless, huge or empty.",
            "Lower the neuropil coefficient, or check the offset of the detector.",
        )
    negative = int(cells["negative_fluorescence"].sum())
    if negative > SHARE * max(cells.height, 1):
        yield Warning(
            "note",
            f"{negative} of {cells.height} cells have negative fluorescence after neuropil correction",
            "More neuropil is subtracted than the cell's own signal can bear.",
            "Fit the neuropil coefficient per ROI instead of a fixed one, or lower it.",
        )


def _denoising(inputs: "SessionInputs", parameters: ReportParameters) -> Iterator[Warning]:
    if inputs.denoising is None:
        return
    flagged = int(inputs.cells["denoising_disagrees"].sum())
    if flagged > SHARE * max(inputs.cells.height, 1):
        yield Warning(
            "warning",
            f"The denoised movie shows {flagged} of {inputs.cells.height} cells otherwise than they were measured",
            "Between raw and denoised movie these cells differ beyond chance. dF/F, its corridor and the spike rates "
            "come from the raw movie.",
            "Look at the events under Denoising below. Do not measure brightness in the denoised movie.",
        )
    check = inputs.denoising.check
    off = float((check["coverage"] - check["level"]).abs().max() or 0)  # pyright: ignore[reportArgumentType]
    if off > COVERAGE:
        yield Warning(
            "warning",
            f"Intervals around the denoised movie are off by {number(100 * off, 2)} points",
            "Raw frames that it was not learnt from lie inside more or less often than they should: its deviation, or "
            "the noise of the movie, is not what it was taken for.",
            "Do not use the deviation of the denoised movie, and take the corridors of dF/F with care.",
        )


def _ends(column: pl.Series) -> tuple[float, float]:
    """Medians of the first and the last tenth."""
    tenth = max(1, len(column) // 10)
    values = column.cast(pl.Float64).fill_null(math.nan).to_numpy()
    if not np.isfinite(values[:tenth]).any() or not np.isfinite(values[-tenth:]).any():
        return math.nan, math.nan
    return float(np.nanmedian(values[:tenth])), float(np.nanmedian(values[-tenth:]))
