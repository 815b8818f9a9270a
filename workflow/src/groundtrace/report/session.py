"""The report of one session, plane and recipe: one HTML page."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.io import read_arrays, read_provenance, read_table
from groundtrace.report.denoising import DenoisingInputs, denoising_section, load_denoising
from groundtrace.report.html import PAGE_BYTES, contrast, intervals, number, pack, pack_series, png, render, shrink
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.raster import make_raster
from groundtrace.report.traces import full_resolution, has_interval, overview
from groundtrace.report.warnings import median, session_warnings, share

SCRIPTS = ("charts.js", "map.js", "traces.js", "session.js")
TRACE_COLUMNS = [
    "roi",
    "accepted",
    "dff",
    "noise_level",
    "snr",
    "skew",
    "baseline_near_zero",
    "negative_fluorescence",
    "saturated",
    "looks_denoised",
]


@dataclass(frozen=True)
class SessionInputs:
    """Everything a session report shows; the tables as declared in `groundtrace.tables`."""

    acquisition: Acquisition
    frames: pl.DataFrame
    raw_quality: pl.DataFrame
    raw_images: dict[str, np.ndarray]
    shifts: pl.DataFrame
    motion_images: dict[str, np.ndarray]
    motion_quality: pl.DataFrame
    rois: pl.DataFrame
    traces: pl.DataFrame
    """At least the columns TRACE_COLUMNS."""
    spikes: pl.DataFrame
    recipe: str
    provenance: dict[str, Any]
    """Of the table Spikes: history of steps with parameters and versions, and sources."""
    denoising: DenoisingInputs | None = None
    """Of recipes that denoise."""
    study: str = "../../../index.html"
    """Link to the study page, relative to the report."""

    @cached_property
    def cells(self) -> pl.DataFrame:
        """Accepted ROIs: the columns of traces that hold one number per ROI."""
        return _scalars(self.traces).filter(pl.col("accepted"))

    @cached_property
    def cell_spikes(self) -> pl.DataFrame:
        """The same of spikes."""
        return _scalars(self.spikes).filter(pl.col("accepted"))

    @cached_property
    def expected(self) -> pl.Series:
        """Expected correlations with the true spike rate, of the accepted ROIs for which it is known."""
        return self.cell_spikes["expected_correlation"].drop_nulls().drop_nans()

    @property
    def method(self) -> str:
        """Backend of the spike inference; empty when the provenance does not say."""
        steps = {entry.get("step"): entry.get("parameters", {}) for entry in self.provenance.get("history", [])}
        return str(steps.get("spikes", {}).get("backend", ""))


def load_session(paths: Mapping[str, Path | str], recipe: str) -> SessionInputs:
    """Read the files of one session; `paths` has one for each table and image field of SessionInputs, by name; those of
    denoising only where the recipe has it."""
    names = ("frames", "raw_quality", "shifts", "motion_quality", "rois", "spikes")
    tables: dict[str, Any] = {name: read_table(paths[name]) for name in names}
    # Fluorescence and neuropil are not shown; with them the table would need three times the memory.
    denoised = "denoising_noise" in paths
    tables["traces"] = read_table(paths["traces"], TRACE_COLUMNS + ["denoising_disagrees"] * denoised)
    for name in ("traces", "spikes"):
        if not tables[name]["roi"].equals(tables["rois"]["roi"]):
            raise InputError(f"{paths[name]}: has other ROIs than {paths['rois']}; run the extraction again")
    acquisition = Acquisition.read(paths["acquisition"])
    return SessionInputs(
        acquisition=acquisition,
        raw_images=read_arrays(paths["raw_images"]),
        motion_images=read_arrays(paths["motion_images"]),
        recipe=recipe,
        provenance=read_provenance(paths["spikes"]),
        denoising=load_denoising(paths, tables["traces"], acquisition.frame_rate) if denoised else None,
        **tables,
    )


def render_session(inputs: SessionInputs, parameters: ReportParameters) -> str:
    """The page as HTML, less than 10 MB, the same for the same inputs."""
    acquisition = inputs.acquisition
    warnings = session_warnings(inputs, parameters)
    data = _page_data(inputs, parameters)
    context = {
        "title": f"{acquisition.key} plane {acquisition.plane}",
        "acquisition": acquisition,
        "recipe": inputs.recipe,
        "study": inputs.study,
        "facts": _facts(acquisition),
        "figures": _figures(inputs),
        "warnings": warnings,
        "serious": sum(warning.severity != "note" for warning in warnings),
        "motion": _motion_rows(inputs),
        "raster": data["raster"],
        "rois": inputs.rois.height,
        "interval": has_interval(inputs.spikes),
        "accuracy": _accuracy(inputs, parameters.accuracy),
        "denoising": inputs.denoising
        and denoising_section(inputs.denoising, inputs.traces, inputs.acquisition.frame_rate),
        "history": [_step(entry) for entry in inputs.provenance.get("history", [])],
        "sources": inputs.provenance.get("sources") or [source.model_dump() for source in acquisition.sources],
    }
    # The traces at full resolution take the room that the rest of the page leaves.
    rest = len(render("session.html", SCRIPTS, data | {"full": {}}, **context).encode())
    room = min(parameters.trace_bytes, PAGE_BYTES - rest)
    data["full"] = full_resolution(inputs.traces, inputs.spikes, acquisition.frame_rate, room)
    return render("session.html", SCRIPTS, data, **context)


def _page_data(inputs: SessionInputs, parameters: ReportParameters) -> dict[str, Any]:
    """What the scripts of the page draw."""
    acquisition, frames, shifts = inputs.acquisition, inputs.frames, inputs.shifts
    chosen = np.flatnonzero(inputs.traces["accepted"].to_numpy())
    raster = make_raster(inputs.spikes["rate"], chosen if chosen.size else np.arange(inputs.traces.height))
    return {
        "frameRate": acquisition.frame_rate,
        "frames": acquisition.frames,
        "height": acquisition.height,
        "width": acquisition.width,
        "pixelSize": acquisition.pixel_size,
        "noiseWarning": parameters.noise_level_warning,
        "accuracy": parameters.accuracy,
        "images": _images(inputs),
        "rois": _roi_columns(inputs),
        "footprints": pack_footprints(inputs.rois, acquisition.width),
        "overview": overview(inputs.traces, inputs.spikes, acquisition.frame_rate, parameters.trace_points),
        "shifts": {name: pack_series(values) for name, values in _displacements(shifts).items()},
        "correlation": pack_series(shifts["template_correlation"].cast(pl.Float64).fill_null(math.nan).to_numpy()),
        "brightness": pack_series(frames["brightness"].to_numpy()),
        "marks": {
            "bad": intervals(shifts["bad"].to_numpy()),
            "blank": intervals(frames["blank"].to_numpy()),
            "dropped": intervals(frames["dropped"].to_numpy()),
            "saturated": intervals(frames["saturated"].to_numpy() > parameters.saturation_warning),
        },
        "raster": raster and {
            "image": raster.image,
            "order": raster.order,
            "rows": raster.rows,
            "columns": raster.columns,
            "binSeconds": raster.bin_frames / acquisition.frame_rate,
            "method": raster.method,
        },
    }  # fmt: skip


def pack_footprints(rois: pl.DataFrame, width: int) -> dict[str, Any]:
    """Footprints as runs along the rows: per ROI the number of runs, and for each run (gap since the last, length)."""
    counts: list[int] = []
    runs: list[np.ndarray] = []
    for y, x in rois.select("pixel_y", "pixel_x").iter_rows():
        pixels = np.unique(np.asarray(y, np.int64) * width + np.asarray(x, np.int64))
        # A run ends where the next pixel is not the next, or begins another row.
        breaks = (np.diff(pixels) != 1) | (pixels[1:] % width == 0)
        first = pixels[np.concatenate([[True], breaks])]
        after = pixels[np.concatenate([breaks, [True]])] + 1
        gaps = first - np.concatenate([[0], after[:-1]])
        counts.append(len(first))
        runs.append(np.column_stack([gaps, after - first]).ravel())
    flat = np.concatenate(runs) if runs else np.zeros(0)
    return {"counts": counts, "runs": pack(flat.astype(np.int32))}


def _roi_columns(inputs: SessionInputs) -> dict[str, Any]:
    """One value per ROI for map, list and histograms."""
    rois, traces, spikes = inputs.rois, inputs.traces, inputs.spikes
    flags = ("baseline_near_zero", "negative_fluorescence", "saturated", "looks_denoised")
    return {
        "roi": rois["roi"].to_list(),
        "y": rois["centroid_y"].to_list(),
        "x": rois["centroid_x"].to_list(),
        "area": rois["area"].to_list(),
        "probability": rois["cell_probability"].to_list(),
        "accepted": traces["accepted"].to_list(),
        "noise": traces["noise_level"].to_list(),
        "snr": traces["snr"].to_list(),
        "skew": traces["skew"].to_list(),
        "rate": spikes["mean_rate"].to_list(),
        "expected": spikes["expected_correlation"].to_list(),
        "expectedLow": spikes["expected_correlation_low"].to_list(),
        "expectedHigh": spikes["expected_correlation_high"].to_list(),
        "flags": [
            [name.replace("_", " ") for name in flags if row[name]]
            for row in traces.select(flags).iter_rows(named=True)
        ],
    }  # fmt: skip


def _images(inputs: SessionInputs) -> dict[str, Any]:
    """Mean images before and after registration, both at the contrast of the second."""
    after = shrink(np.asarray(inputs.motion_images["mean"], np.float32))
    before = shrink(np.asarray(inputs.motion_images.get("mean_before", inputs.raw_images["mean"]), np.float32))
    low, high = np.nanpercentile(after, [1, 99.7]) if np.isfinite(after).any() else (0, 1)
    return {"before": png(contrast(before, low, high)), "after": png(contrast(after, low, high))}


def _displacements(shifts: pl.DataFrame) -> dict[str, FloatArray]:
    """Shifts per frame, px: y, x and, when nonrigid, the length of the largest displacement of a block beyond them."""
    found = {"y": shifts["y"].to_numpy(), "x": shifts["x"].to_numpy()}
    blocks = shifts["block_y"].list.len().max() if shifts.height else 0
    if blocks:
        y, x = (shifts[name].explode().to_numpy().reshape(shifts.height, -1) for name in ("block_y", "block_x"))
        found["block"] = np.hypot(y, x).max(axis=1)
    return found


def _facts(acquisition: Acquisition) -> list[tuple[str, str]]:
    """What the header says about the recording."""
    height, width, pixel = acquisition.height, acquisition.width, acquisition.pixel_size
    size = f"{height} × {width} px"
    if pixel:
        size += f" ({number(height * pixel)} × {number(width * pixel)} µm)"
    duration = acquisition.frames / acquisition.frame_rate
    facts = [
        ("plane", f"{acquisition.plane}" + (f" (of 0 to {acquisition.planes - 1})" if acquisition.planes > 1 else "")),
        ("indicator", acquisition.indicator),
        ("frame rate", f"{number(acquisition.frame_rate, 4)} Hz"),
        ("duration", f"{_clock(duration)} ({number(acquisition.frames, 9)} frames)"),
        ("field", size),
        ("location", acquisition.location or ""),
        ("channel", f"{acquisition.functional_channel} of {acquisition.channels}" if acquisition.channels > 1 else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _clock(seconds: float) -> str:
    if seconds < 120:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


@dataclass(frozen=True)
class Figure:
    """A key figure."""

    label: str
    value: str
    unit: str
    meaning: str


def _figures(inputs: SessionInputs) -> list[Figure]:
    cells, spikes = inputs.cells, inputs.cell_spikes
    raw, motion = (table.row(0, named=True) for table in (inputs.raw_quality, inputs.motion_quality))
    bad, frames = motion["bad_frames"], inputs.acquisition.frames
    noise, snr, rate = median(cells["noise_level"]), median(cells["snr"]), median(spikes["mean_rate"])
    figures = [
        Figure("cells", number(cells.height, 9), "", f"accepted of {number(inputs.rois.height, 9)} ROIs found"),
        Figure(
            "noise level ν", number(noise, 2), "%/√Hz", "median of the cells; 1 is excellent, above 8 only bursts show"
        ),
        Figure("signal to noise", number(snr, 2), "", "median: large transients over the noise of dF/F"),
        Figure("spike rate", number(rate, 2), "Hz", "median of the cells' mean inferred rates"),
        Figure("photons", number(raw["photons"], 2), "", "per pixel and frame, mean over the field"),
        Figure("residual motion", number(motion["residual_motion"], 2), "px", "median left after registration"),
        Figure("bad frames", number(bad, 9), "", f"{share(bad / frames)}: blank, dropped, jumped or decorrelated"),
    ]
    if not inputs.expected.is_empty():
        low, high = (median(spikes[f"expected_correlation_{end}"]) for end in ("low", "high"))
        meaning = f"median expected with true spikes; 90 % interval {number(low, 2)} to {number(high, 2)}"
        figures.insert(3, Figure("correlation", number(median(inputs.expected), 2), "", meaning))
    return figures


@dataclass(frozen=True)
class Accuracy:
    """How many cells are expected to be as right as the user needs."""

    statement: str
    known: bool
    method: str


def _accuracy(inputs: SessionInputs, wanted: float) -> Accuracy:
    cells, known = inputs.cells.height, len(inputs.expected)
    if known:
        reached = int((inputs.expected >= wanted).sum())
        statement = (
            f"For {number(reached, 9) if reached else 'none'} of {number(cells, 9)} cells we expect a correlation of "
            f"at least {number(wanted)} with the true spike rate."
        )
        if known < cells:
            statement += f" For {number(cells - known, 9)} it is not known."
    else:
        nowhere = inputs.spikes["expected_correlation"].is_null().all()
        statement = "Not known for this method." if nowhere else "Not known: no accepted cell has a usable trace."
    return Accuracy(statement, bool(known), inputs.method or "used here")


def _motion_rows(inputs: SessionInputs) -> list[tuple[str, str, str, str]]:
    """Name, unit, value before and after registration."""
    quality = inputs.motion_quality.row(0, named=True)
    rows = [
        ("displacement, median", "px", "displacement", "residual_motion"),
        ("displacement, 95th percentile", "px", "", "residual_motion_95"),
        ("displacement, largest", "px", "displacement_max", ""),
        ("correlation with the template", "", "template_correlation_before", "template_correlation"),
        ("crispness of the mean image", "", "crispness_before", "crispness"),
    ]
    return [
        (name, unit, number(quality.get(raw)), number(quality.get(registered))) for name, unit, raw, registered in rows
    ]


def _step(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One step of the history, its parameters as (name, value) pairs."""
    return {
        "step": entry.get("step", ""),
        "parameters": list(_flat(entry.get("parameters", {}))),
        "versions": sorted(entry.get("versions", {}).items()),
    }


def _flat(parameters: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in sorted(parameters.items()):
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return pairs


def _scalars(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(pl.exclude(pl.List(pl.Float32)))
