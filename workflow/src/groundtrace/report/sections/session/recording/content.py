"""The raw recording: its light, its sampling, its lost frames."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.indicators import UNKNOWN, assumption, kinetics
from groundtrace.io import read_table
from groundtrace.report.html import number, pack_series
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning, share

LISTED = 8
"""Times that are listed."""
STEP = 1.05
"""A smaller step of brightness, as between files, is divided out and not worth a warning."""
SHORT = 60.0
"""Recordings shorter than this leave too little quiet time for a baseline, s."""


def load(paths: Mapping[str, Path | str], inputs: SessionInputs) -> pl.DataFrame:
    """The table Brightness."""
    return read_table(paths["brightness"])


def context(inputs: SessionInputs) -> dict[str, Any] | None:
    return None if inputs.acquisition.adopted else {}


def data(inputs: SessionInputs) -> dict[str, Any]:
    return {"brightness": pack_series(inputs.frames["brightness"].to_numpy())}


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    yield from sampling(inputs)
    if not inputs.acquisition.adopted:
        yield from light(inputs)
        yield from lost_frames(inputs)
    yield from steps(inputs)


def sampling(inputs: SessionInputs) -> Iterator[Warning]:
    acquisition = inputs.acquisition
    indicator = kinetics(acquisition.indicator)
    if indicator and indicator.decay_time * acquisition.frame_rate < inputs.parameters.signal_frames:
        frames = indicator.decay_time * acquisition.frame_rate
        yield Warning(
            "warning",
            f"The frame rate is low for {indicator.name}: {number(frames, 2)} frames per decay time",
            "A transient is over within a frame or two, so it is hard to tell from noise and its spike times are "
            "uncertain by a frame or more.",
            "Bin spike rates over several frames. For new recordings: fewer planes, a smaller field, or a slower "
            "indicator.",
            kind="low_frame_rate",
        )
    if assumed := assumption(acquisition.indicator, acquisition.species):
        there = f" in {acquisition.species}"
        line = acquisition.indicator + (there if f"{there} are not known" in assumed else "")
        yield Warning(
            "note",
            f"{assumed[0].upper()}{assumed[1:]}",
            "Amplitude and decay of a spike are then less certain, and so are rates and their expected accuracy.",
            "Name the indicator in the sheet."
            if acquisition.indicator == UNKNOWN
            else f"Add a line {line} with kinetics of your own to resources/indicators.tsv.",
            kind="indicator_assumed",
        )
    duration = acquisition.frames / acquisition.frame_rate
    if duration < SHORT:
        yield Warning(
            "note",
            f"The recording lasts {number(duration)} s only",
            "Baseline and noise are estimated from little quiet time; dF/F may be biased.",
            "Concatenate the files of one session if there are more: the sheet's path takes several.",
            kind="short",
        )


def light(inputs: SessionInputs) -> Iterator[Warning]:
    quality = inputs.raw_quality.row(0, named=True)
    if quality["saturated"] > inputs.parameters.saturation_warning:
        cells = int(inputs.cells["saturated"].sum())
        yield Warning(
            "warning",
            f"{share(quality['saturated'])} of the pixels are saturated",
            f"Their peaks are cut off, so large transients look small ({cells} accepted cells are affected).",
            "Leave the marked cells out of comparisons of amplitude. Lower the detector gain or the laser power.",
            kind="saturated",
        )
    drift = quality["brightness_drift"]
    if drift < -inputs.parameters.bleaching_warning:
        yield Warning(
            "warning",
            f"The recording lost {share(-drift)} of its brightness",
            "The indicator bleaches, or the focus or the immersion is lost; noise grows as the light falls.",
            "Use the exponential baseline. Do not compare amplitudes from the start and the end.",
            kind="bleaching",
        )
    elif drift > inputs.parameters.bleaching_warning:
        yield Warning(
            "note",
            f"The recording became {share(drift)} brighter",
            "The focus moved, the laser warmed up, or the background grew; the baseline follows it in part.",
            "Look at the brightness below before comparing the start with the end.",
            kind="brighter",
        )
    if quality["gain"] is None:
        yield Warning(
            "note",
            "The photon gain could not be measured",
            "Variance does not grow with the mean as shot noise does. Photon numbers are missing, and whether traces "
            "were denoised beforehand cannot be checked.",
            "Check that the movie is raw: not scaled, averaged, compressed or background-subtracted.",
            kind="no_gain",
        )


def lost_frames(inputs: SessionInputs) -> Iterator[Warning]:
    quality = inputs.raw_quality.row(0, named=True)
    if dropped := quality["dropped_frames"]:
        yield Warning(
            "warning",
            f"{dropped} dropped frame{'s' if dropped > 1 else ''}",
            "These frames repeat the one before, pixel by pixel: the acquisition lost a frame and filled the gap.",
            "Check the alignment with your other signals by their own clock; do not count frames.",
            kind="dropped_frames",
        )
    if blank := quality["blank_frames"]:
        yield Warning(
            "note",
            f"{blank} blank frame{'s' if blank > 1 else ''}",
            "Frames that are dark, or a part of which is: under a closed shutter, or a detector that was switched off.",
            "They have no dF/F and no rate: a missing rate is not a rate of zero.",
            kind="blank_frames",
        )
    if flash := quality["flash_frames"]:
        yield Warning(
            "note",
            f"{flash} frame{'s' if flash > 1 else ''} with a flash",
            "Rows far brighter than the tissue, for a moment: light of a stimulation, or of the room. None is lost.",
            "They have no dF/F and no rate. If the detector recovers slowly, leave that time out too: the sheet's "
            "column exclude takes it. For new recordings, gate the light to the turn of the scan.",
            kind="flash_frames",
        )
    if excluded := int(inputs.frames["excluded"].sum()):
        yield Warning(
            "note",
            f"{excluded} frame{'s' if excluded > 1 else ''} excluded by the sheet",
            f"{share(excluded / inputs.acquisition.frames)} of the recording, by its column exclude. Nothing is told "
            "from them: neither cells, nor baseline and noise, nor rates.",
            "Nothing, if the file is right.",
            kind="excluded_frames",
        )


def steps(inputs: SessionInputs) -> Iterator[Warning]:
    """Changes of brightness of the whole field, and frames without light that ingest took for good."""
    brightness = inputs.loaded.get("recording")
    if brightness is None or brightness.is_empty():
        return
    gain, time = brightness["gain"].to_numpy(), inputs.frames["time"].to_numpy()
    at = np.flatnonzero(np.abs(np.diff(np.log(gain))) > np.log(STEP)) + 1
    if len(at):
        times = ", ".join(number(float(time[frame])) for frame in at[:LISTED]) + (" …" if len(at) > LISTED else "")
        yield Warning(
            "warning",
            f"The brightness of all ROIs changes at once, {len(at)} time{'s' if len(at) > 1 else ''}",
            f"From one frame to the next, at {times} s, by up to a factor of {number(float(gain.max() / gain.min()))}: "
            "laser power, focus or water, or files recorded with other settings. Every stretch was brought to the same "
            "brightness before dF/F, and for the search for cells by `transients`; other methods saw the steps.",
            "If files of other settings were joined, make them sessions of their own. Distrust changes of rate across "
            "a step.",
            kind="brightness_steps",
        )
    dark = int((~brightness["usable"] & ~inputs.shifts["bad"]).sum())
    if dark:
        yield Warning(
            "note",
            f"{dark} frame{'s' if dark > 1 else ''} in which ROIs lost their light",
            "Together they are darker than at any quiet time near: a shutter was closed, for a whole frame or a part "
            "of it, or the light was weak for a moment. These frames have no dF/F and no rate.",
            "Leave these times out of averages: a missing rate is not a rate of zero.",
            kind="dark_frames",
        )
