"""The header of the session page."""

from typing import Any

import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.movies.tables import UNUSABLE
from groundtrace.report.html import intervals, number
from groundtrace.report.session import SessionInputs

FLAGS = ("baseline_near_zero", "negative_fluorescence", "saturated", "axial_motion", "looks_denoised")


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {
        "acquisition": inputs.acquisition,
        "facts": facts(inputs.acquisition),
        "recipe": inputs.recipe,
        "study": inputs.study,
    }


def data(inputs: SessionInputs) -> dict[str, Any]:
    acquisition = inputs.acquisition
    return {
        "frameRate": acquisition.frame_rate,
        "frames": acquisition.frames,
        "rateUnit": inputs.rate_unit,
        "height": acquisition.height,
        "width": acquisition.width,
        "pixelSize": acquisition.pixel_size,
        "axialLabel": inputs.axial_label,
        "rois": roi_columns(inputs),
        "borders": borders(inputs.frames, acquisition.frame_rate),
        "marks": marks(inputs.frames, inputs.shifts, inputs.parameters.saturation_warning),
    }


def roi_columns(inputs: SessionInputs) -> dict[str, Any]:
    """One value per ROI for map, list and histograms."""
    rois, traces, spikes = inputs.rois, inputs.traces, inputs.spikes
    return {
        "roi": rois["roi"].to_list(),
        "y": rois["centroid_y"].to_list(),
        "x": rois["centroid_x"].to_list(),
        "area": [len(y) for y, _ in inputs.outlines],
        "silent": (rois["kind"] == "visible").to_list(),
        "probability": rois["cell_probability"].to_list(),
        "accepted": traces["accepted"].to_list(),
        "reason": rois["reason"].to_list(),
        "origin": rois["origin"].to_list() if "origin" in rois.columns else [],
        "noise": traces["noise_level"].to_list(),
        "scaleError": traces["dff_scale_error"].fill_nan(None).to_list(),
        "snr": traces["snr"].to_list(),
        "skew": traces["skew"].to_list(),
        "axial": traces["axial_share"].fill_nan(None).to_list(),
        "axialError": traces["axial_share_error"].fill_nan(None).to_list(),
        "energy": rois["energy"].to_list(),
        "rate": spikes["mean_rate"].to_list(),
        "mayBeSilent": spikes["silent"].to_list(),
        "expected": spikes["expected_correlation"].to_list(),
        "expectedLow": spikes["expected_correlation_low"].to_list(),
        "expectedHigh": spikes["expected_correlation_high"].to_list(),
        "flags": [
            [name.replace("_", " ") for name in FLAGS if row[name]]
            for row in traces.select(FLAGS).iter_rows(named=True)
        ],
    }


def borders(frames: pl.DataFrame, frame_rate: float) -> list[float]:
    """Where charts show a gap in time or a border of files: s, of frames one after the other."""
    return (frames["frame"].filter(frames["segment"].diff() != 0) / frame_rate).to_list()


def marks(frames: pl.DataFrame, shifts: pl.DataFrame, saturation: float) -> dict[str, list[list[int]]]:
    """Stretches of frames that are marked in the charts."""
    return {
        "bad": intervals(shifts["bad"].to_numpy()),
        **{name: intervals(frames[name].to_numpy()) for name in UNUSABLE},
        "saturated": intervals(frames["saturated"].to_numpy() > saturation),
    }


def facts(acquisition: Acquisition) -> list[tuple[str, str]]:
    """What the header says about the recording."""
    height, width, pixel = acquisition.height, acquisition.width, acquisition.pixel_size
    size = f"{height} × {width} px"
    if pixel:
        size += f" ({number(height * pixel)} × {number(width * pixel)} µm)"
    duration = acquisition.frames / acquisition.frame_rate
    found = [
        ("plane", f"{acquisition.plane}" + (f" (of 0 to {acquisition.planes - 1})" if acquisition.planes > 1 else "")),
        ("indicator", acquisition.indicator),
        ("frame rate", f"{number(acquisition.frame_rate, 4)} Hz"),
        ("duration", f"{clock(duration)} ({number(acquisition.frames, 9)} frames)"),
        ("field", size),
        ("ROIs and traces of", acquisition.adopted or ""),
        ("location", acquisition.location or ""),
        ("channel", f"{acquisition.functional_channel} of {acquisition.channels}" if acquisition.channels > 1 else ""),
    ]
    return [(name, value) for name, value in found if value]


def clock(seconds: float) -> str:
    if seconds < 120:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
