"""Motion: what was moved, and what is left."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.report.html import contrast, number, pack_series, png, shrink
from groundtrace.report.pictures import motion_clip
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning, share

FOCUS_LOSS = 0.15
"""Relative loss of correlation with the template over a recording that looks like a drift out of focus."""
EDGE = 0.1
"""Displacement as a share of the field from which registration by correlation is unsure."""
MANY_MOVED, FAR_FRAMES = 0.1, 0.05
"""Share of the cells that change with depth, and of the frames that are far from it, from which that is a warning."""
CLIP_SHARE = 0.3
"""Share of the room that is left, for the clip of the motion."""


def context(inputs: SessionInputs) -> dict[str, Any] | None:
    if inputs.acquisition.adopted:
        return None
    return {
        "motion": motion_rows(inputs),
        "motion_clip": "clip_raw" in inputs.motion_images,
        "depth": depth_name(inputs.shifts),
    }


def data(inputs: SessionInputs) -> dict[str, Any]:
    shifts = inputs.shifts
    return {
        "images": mean_images(inputs),
        "shifts": {name: pack_series(values) for name, values in displacements(shifts).items()},
        "correlation": pack_series(shifts["template_correlation"].cast(pl.Float64).fill_null(math.nan).to_numpy()),
        "depth": depth_lines(shifts),
    }


def fill(inputs: SessionInputs, room: int) -> dict[str, Any]:
    return {"motionClip": motion_clip(inputs.motion_images, int(CLIP_SHARE * room))}


def mean_images(inputs: SessionInputs) -> dict[str, str]:
    """Before and after registration, both at the contrast of the second."""
    after = shrink(np.asarray(inputs.motion_images["mean"], np.float32))
    before = shrink(np.asarray(inputs.motion_images.get("mean_before", inputs.raw_images["mean"]), np.float32))
    low, high = np.nanpercentile(after, [1, 99.7]) if np.isfinite(after).any() else (0, 1)
    return {"before": png(contrast(before, low, high)), "after": png(contrast(after, low, high))}


def displacements(shifts: pl.DataFrame) -> dict[str, FloatArray]:
    """Shifts per frame, px: y, x and, when nonrigid, the length of the largest displacement of a block beyond them."""
    found = {"y": shifts["y"].to_numpy(), "x": shifts["x"].to_numpy()}
    blocks = shifts["block_y"].list.len().max() if shifts.height else 0
    if blocks:
        y, x = (shifts[name].explode().to_numpy().reshape(shifts.height, -1) for name in ("block_y", "block_x"))
        found["block"] = np.hypot(y, x).max(axis=1)
    return found


def depth_name(shifts: pl.DataFrame) -> str:
    """Column that tells how deep a frame lies; empty where none does."""
    return next((name for name in ("z", "axial_mode") if shifts[name].null_count() < shifts.height), "")


def depth_lines(shifts: pl.DataFrame) -> dict[str, Any] | None:
    """Depth of each frame, and a standard error to either side."""
    name = depth_name(shifts)
    if not name:
        return None
    value, error = (shifts[column].cast(pl.Float64).to_numpy() for column in (name, f"{name}_error"))
    lines = {"value": value, "low": value - error, "high": value + error}
    return {"unit": {"z": "µm"}.get(name, "SD")} | {key: pack_series(line) for key, line in lines.items()}


def motion_rows(inputs: SessionInputs) -> list[tuple[str, str, str, str]]:
    """Name, unit, value before and after registration."""
    quality = inputs.motion_quality.row(0, named=True)
    rows = [
        ("displacement, median", "px", "displacement", ""),
        ("displacement, largest", "px", "displacement_max", ""),
        ("motion that is left, root mean square", "px", "", "residual_motion"),
        ("the same, in the worst of twenty stretches", "px", "", "residual_motion_95"),
        ("correlation with the template", "", "template_correlation_before", "template_correlation"),
        ("crispness of the mean image", "", "crispness_before", "crispness"),
    ]
    found = [
        (name, unit, number(quality.get(raw)), number(quality.get(registered))) for name, unit, raw, registered in rows
    ]
    z = inputs.shifts["z"].drop_nulls()
    if not z.is_empty():
        away = float(inputs.shifts["away"].mean() or 0)  # pyright: ignore[reportArgumentType]
        found.append(("depth, standard deviation", "µm", "", number(float(np.std(z.to_numpy())))))
        found.append(("frames more than 3 µm from the usual depth", "", "", share(away)))
    return found


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    if not inputs.acquisition.adopted:
        yield from motion_warnings(inputs)
        yield from axial_warnings(inputs)
    yield from bad_frames(inputs)


def motion_warnings(inputs: SessionInputs) -> Iterator[Warning]:
    quality, acquisition = inputs.motion_quality.row(0, named=True), inputs.acquisition
    residual = quality["residual_motion"]
    if residual is not None and residual > inputs.parameters.residual_motion_warning:
        moved = quality["displacement_max"] > 0
        yield Warning(
            "warning",
            f"Residual motion is {number(residual, 2)} px {'after registration' if moved else 'as recorded'}",
            "Cells still move under their ROIs; what looks like activity may be movement, above all when the animal "
            "runs.",
            "Look at the shifts below. Try nonrigid registration, or smaller blocks."
            if moved
            else "No frame was moved. Try another motion method, or register another channel (motion_channel).",
            kind="residual_motion",
        )
    before, after = quality["template_correlation_before"], quality["template_correlation"]
    if before is not None and after is not None and after < before - 0.02:
        yield Warning(
            "warning",
            "Registration made the movie worse",
            f"Frames correlate less with the template than before ({number(after, 2)} after, {number(before, 2)} "
            "before): shifts were found where there were none.",
            "Use the recipe's motion method none, or rigid registration with more smoothing.",
            kind="worse_registered",
        )
    if quality["displacement_max"] > EDGE * min(acquisition.height, acquisition.width):
        yield Warning(
            "note",
            f"The tissue moved by up to {number(quality['displacement_max'], 2)} px",
            "Cells near the edge left the field, and the largest shifts may be cut at the registration's limit.",
            "Look at the shifts below; a flat top at the largest values means that the limit is too small.",
            kind="large_motion",
        )
    start, end = ends(inputs.shifts["template_correlation"])
    if start > 0 and end < (1 - FOCUS_LOSS) * start:
        yield Warning(
            "warning",
            f"Correlation with the template falls by {share(1 - end / start)} over the recording",
            "The focus probably drifted: late frames show another depth, and cells fade in or out for that reason.",
            "Compare early and late activity with care, or cut the recording.",
            kind="focus_drift",
        )


def axial_warnings(inputs: SessionInputs) -> Iterator[Warning]:
    """The plane moved in depth, and cells with it."""
    cells, name = inputs.cells, depth_name(inputs.shifts)
    moved = int(cells["axial_motion"].sum()) if name else 0
    away = inputs.shifts["away"].drop_nulls()
    far = float(away.mean() or 0) if len(away) else 0.0  # pyright: ignore[reportArgumentType]
    removed = inputs.axial == "regress"
    if moved > MANY_MOVED * max(cells.height, 1) and moved > 1:
        how = "the depth in the z-stack" if name == "z" else "the recording's axial mode"
        yield Warning(
            "note" if removed else "warning",
            f"{moved} of {cells.height} cells change with {how}",
            f"{how[0].upper()}{how[1:]} explains more than a tenth of the variance of their light: they go out of the "
            "plane and come back, which looks like activity and like silence."
            + (" It was taken out of their light." if removed else ""),
            "Colour the cells by what depth explains. "
            + ("What is left is in their traces." if removed else "Set dff: {axial: regress} to take it out")
            + ("" if removed or name == "z" else "; a z-stack (column z_stack) tells depth in µm")
            + ("" if removed else "."),
            kind="axial_motion",
        )
    if far > FAR_FRAMES:
        yield Warning(
            "warning",
            f"{share(far)} of the frames are more than 3 µm from the usual depth",
            "They show other parts of the cells, and cells that are not in the others: half a soma's radius away.",
            "Leave these times out of comparisons; the column away of shifts.parquet marks them.",
            kind="other_depth",
        )


def bad_frames(inputs: SessionInputs) -> Iterator[Warning]:
    bad, frames = inputs.motion_quality["bad_frames"][0], inputs.acquisition.frames
    if bad > inputs.parameters.bad_frames_warning * frames:
        reasons = inputs.shifts.filter(pl.col("bad"))["reason"].value_counts(sort=True)
        named = ", ".join(f"{count} {reason}" for reason, count in reasons.iter_rows())
        yield Warning(
            "critical" if bad > 4 * inputs.parameters.bad_frames_warning * frames else "warning",
            f"{share(bad / frames)} of the frames are bad",
            f"{number(bad, 9)} of {number(frames, 9)} frames ({named}) were left out when ROIs were detected, "
            "and have no dF/F and no rate.",
            "The column reason of shifts.parquet tells why each is bad. Leave these times out of averages.",
            kind="bad_frames",
        )


def ends(column: pl.Series) -> tuple[float, float]:
    """Medians of the first and the last tenth."""
    tenth = max(1, len(column) // 10)
    values = column.cast(pl.Float64).fill_null(math.nan).to_numpy()
    if not np.isfinite(values[:tenth]).any() or not np.isfinite(values[-tenth:]).any():
        return math.nan, math.nan
    return float(np.nanmedian(values[:tenth])), float(np.nanmedian(values[-tenth:]))
