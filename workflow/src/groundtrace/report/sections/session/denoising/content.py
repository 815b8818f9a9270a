"""Denoising: what was learnt, whether held-out frames agree, and what it did to events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from groundtrace.arrays import FloatArray
from groundtrace.io import read_arrays, read_table
from groundtrace.movies.noise import REACH, NoiseModel, read_noise
from groundtrace.report.html import contrast, number, png, shrink
from groundtrace.report.session import SessionInputs
from groundtrace.report.svg import Axis, Line, Panel, lines, strip
from groundtrace.report.warning import MANY, Warning
from groundtrace.traces.gaps import with_lines
from groundtrace.traces.noise import noise_sd

COLUMNS = ("dff_denoised", "dff_low", "dff_high")
EVENT = 0.5
"""s, over which a measured trace is averaged before its events are sought."""
CLEAR = 5.0
"""Standard deviations of such a mean above which an event is no chance."""
APART = 3.0
"""s, between two events."""
LOST, SMALL = 3.0, 0.05
"""Standard deviations, and share, by both of which a denoised event must be lower than the measured one to be lost."""
ZOOM = (2.0, 6.0)
"""s, shown before and after an event."""
STRIP = 40.0
"""s, shown of a cell."""
STRIPS, EVENTS = 4, 6
"""Cells and events shown."""
NAMED = 40
"""Flagged ROIs that are listed."""
BRIGHTEST = 6.0
"""Grey scale of the frames, standard deviations of the noise of a pixel."""
COVERAGE = 0.05
"""Error of the coverage of held-out frames that is worth a warning."""
DISK = 5
"""px, radius of the ROI by which the noise of ROIs is explained."""


@dataclass(frozen=True)
class Event:
    """A time at which a measured trace is clearly above its noise."""

    cell: int
    """Row of the table of traces."""
    frame: int
    strength: float
    """Standard deviations of the noise of its mean."""


@dataclass(frozen=True)
class DenoisingInputs:
    """What the page shows of denoising."""

    curve: pl.DataFrame
    check: pl.DataFrame
    noise: NoiseModel
    mean: FloatArray
    pictures: Mapping[str, np.ndarray]
    """`raw` and `denoised` (Y, X) of one frame less the mean, in units of the noise, and which `frame` it is."""
    strips: Sequence[int]
    """Rows of the cells of which a stretch is shown."""
    events: Sequence[Event]
    traces: Mapping[int, Mapping[str, FloatArray]]
    """COLUMNS of the cells that are shown, by row."""


def load(paths: Mapping[str, Path | str], inputs: SessionInputs) -> DenoisingInputs:
    """Read the files of a recipe that denoises; its table of traces has the column `denoising_disagrees`."""
    traces, frame_rate = inputs.traces, inputs.acquisition.frame_rate
    noise, mean = read_noise(paths["denoising_noise"])
    found = {i: events(traces["dff"][i].to_numpy(), frame_rate, i) for i in _cells(traces)}
    shown, strips = chosen_events(found), chosen_cells(traces, found)
    rows = sorted({event.cell for event in shown} | set(strips))
    columns = {}
    # One column at a time: together they are larger than everything else of the page.
    for name in COLUMNS:
        column = read_table(paths["traces"], [name])[name]
        columns[name] = {i: column[i].to_numpy() for i in rows}
    return DenoisingInputs(
        curve=read_table(paths["denoising_curve"]),
        check=read_table(paths["denoising_check"]),
        noise=noise,
        mean=mean,
        pictures=read_arrays(paths["denoising_images"]),
        strips=strips,
        events=shown,
        traces={i: {name: columns[name][i] for name in COLUMNS} for i in rows},
    )


def events(dff: FloatArray, frame_rate: float, cell: int) -> list[Event]:
    """Clear events of a measured trace (n_frames,); none where it has no values."""
    dff = with_lines(dff[None])[0]
    if not np.isfinite(dff).all():
        return []
    width = max(1, round(EVENT * frame_rate))
    smooth = uniform_filter1d(dff.astype(np.float64), width, mode="nearest")
    noise = max(float(noise_sd(dff)[0]) / np.sqrt(width), 1e-9)
    high = (smooth - np.median(smooth)) / noise
    found, _ = find_peaks(high, height=CLEAR, prominence=CLEAR, distance=max(1, round(APART * frame_rate)))
    return [Event(cell, int(frame), float(high[frame])) for frame in found]


def chosen_events(found: Mapping[int, Sequence[Event]]) -> list[Event]:
    """The strongest events of all cells, one for each cell; then those of the cells with the fewest."""
    active = {cell: max(each, key=lambda event: event.strength) for cell, each in found.items() if each}
    strongest = sorted(active.values(), key=lambda event: -event.strength)[: EVENTS // 2]
    others = [event for event in active.values() if event not in strongest]
    rarest = sorted(others, key=lambda event: (len(found[event.cell]), -event.strength))[: EVENTS - len(strongest)]
    return strongest + rarest


def chosen_cells(traces: pl.DataFrame, found: Mapping[int, Sequence[Event]]) -> list[int]:
    """Cells of which a stretch is shown: up to half of them flagged, the others from the best to the worst SNR."""
    snr = traces["snr"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    flagged = traces["denoising_disagrees"].to_numpy()
    cells = sorted((i for i in found if np.isfinite(snr[i])), key=lambda i: -snr[i])
    first = [i for i in cells if flagged[i]][: STRIPS // 2]
    rest = [i for i in cells if i not in first]
    places = np.unique(np.linspace(0, len(rest) - 1, min(STRIPS - len(first), len(rest))).astype(int)) if rest else []
    return first + [rest[place] for place in places]


def context(inputs: SessionInputs) -> dict[str, Any] | None:
    found: DenoisingInputs | None = inputs.loaded.get("denoising")
    if found is None:
        return None
    traces, frame_rate = inputs.traces, inputs.acquisition.frame_rate
    flagged = traces.filter(pl.col("denoising_disagrees") & pl.col("accepted"))["roi"].to_list()
    return {
        "curve": _curve(found.curve),
        "noise": _noise_words(found.noise, found.mean.shape),
        "kernel": png(contrast(found.noise.correlation, 0, 0.5)),
        "levels": [number(100 * level) for level in found.check["level"].unique().sort()],
        "coverage": _coverage(found.check),
        "pictures": _pictures(found),
        "time": number(int(found.pictures["frame"]) / frame_rate, 4),
        "flagged": flagged[:NAMED],
        "more": max(0, len(flagged) - NAMED),
        "strips": [_strip(found, traces, i, frame_rate) for i in found.strips],
        "events": [_event(found, traces, event, frame_rate) for event in found.events],
    }


def _cells(traces: pl.DataFrame) -> list[int]:
    return np.flatnonzero(traces["accepted"].to_numpy()).tolist()


def _curve(curve: pl.DataFrame) -> Markup | None:
    if curve.is_empty():
        return None
    colours = ("accent", "spike", "good", "warn", "bad")
    drawn = [
        Line(
            f"network {member}",
            colours[member % len(colours)],
            each["step"].to_list(),
            each["calibration_error"].to_list(),
        )
        for (member,), each in curve.group_by("member", maintain_order=True)
    ]
    values = np.concatenate([line.y for line in drawn])
    low, high = min(1.0, float(values.min())), float(values.max())
    pad = 0.05 * (high - low) or 0.01
    last = float(curve["step"].max() or 1)  # pyright: ignore[reportArgumentType]
    x = Axis("steps of training", 0, last)
    y = Axis("error, noise variance", low - pad, high + pad, marks=(1.0,))
    return lines(drawn, x, y, "Error at frames that are not learnt from, during training")


def _noise_words(noise: NoiseModel, shape: tuple[int, ...]) -> list[str]:
    """What the noise model says, in sentences."""
    c = noise.correlation
    y, x = np.mgrid[-DISK : DISK + 1, -DISK : DISK + 1]
    inside = np.hypot(y, x) <= DISK
    rows, columns = y[inside] + DISK, x[inside] + DISK
    weights, even = np.ones(len(rows)), np.full((2 * DISK + 1, 2 * DISK + 1), noise.offset + 1)
    excess = noise.readout_variance(rows, columns, weights, even) / (len(rows) * float(noise.variance(even)[0, 0]))
    words = []
    if noise.gain > 0:
        words.append(
            f"The noise variance of a pixel is {number(noise.gain)} times its brightness above "
            f"{number(noise.offset)} detector units, and at least {number(noise.floor)} detector units squared."
        )
    else:
        words.append(
            f"Brightness does not tell the noise: its variance is {number(noise.floor)} detector units squared "
            "everywhere."
        )
    side, down = float(c[REACH, REACH + 1]), float(c[REACH + 1, REACH])
    words.append(
        f"Neighbouring pixels share noise: the correlation is {number(side, 2)} to the side and {number(down, 2)} up "
        f"and down, so the mean over a ROI of {len(rows)} px is {number(np.sqrt(excess), 3)} times as noisy as if they "
        "did not."
    )
    return words


def _coverage(check: pl.DataFrame) -> list[tuple[str, list[str]]]:
    names = {"pixels": "pixels", "disks": f"disks of {DISK} px radius"}
    return [
        (names[what], [number(100 * value, 3) for value in each.sort("level")["coverage"]])
        for (what,), each in check.group_by("what", maintain_order=True)
    ]


def _pictures(found: DenoisingInputs) -> list[tuple[str, str]]:
    """Name and image of the mean, and of one frame less the mean before and after."""
    mean = shrink(found.mean)
    pictures = [("mean image", png(contrast(mean, *np.nanpercentile(mean, [1, 99.7]))))]
    for name in ("raw", "denoised"):
        shown = shrink(found.pictures[name])
        pictures.append((f"{name} frame less the mean", png(contrast(shown, -BRIGHTEST / 2, BRIGHTEST))))
    return pictures


def _strip(found: DenoisingInputs, traces: pl.DataFrame, i: int, frame_rate: float) -> Panel:
    """The stretch of a cell with the most signal."""
    dff = traces["dff"][i].to_numpy()
    length = min(len(dff), round(STRIP * frame_rate))
    sums = np.convolve(np.nan_to_num(found.traces[i]["dff_denoised"]), np.ones(length), "valid")
    start = int(np.argmax(sums))
    flagged = bool(traces["denoising_disagrees"][i])
    title = f"ROI {traces['roi'][i]}, SNR {number(traces['snr'][i], 2)}" + (", flagged" if flagged else "")
    return Panel(title, _chart(found, dff, i, slice(start, start + length), frame_rate, title, width=600, height=170))


def _event(found: DenoisingInputs, traces: pl.DataFrame, event: Event, frame_rate: float) -> Panel:
    """An event, and in words whether denoising kept it."""
    dff, i = traces["dff"][event.cell].to_numpy(), event.cell
    low, high = (round(part * frame_rate) for part in ZOOM)
    part = slice(max(0, event.frame - low), min(len(dff), event.frame + high))
    half = max(1, round(EVENT * frame_rate)) // 2
    top = slice(max(0, event.frame - half), event.frame + half + 1)
    measured, shown = float(dff[top].mean()), float(found.traces[i]["dff_denoised"][top].mean())
    error = float(noise_sd(dff)[0]) / np.sqrt(len(dff[top]))
    kept = measured - shown < max(LOST * error, SMALL * measured)
    hint = (
        f"{number(event.strength, 2)} times its noise; measured {number(measured)}, denoised {number(shown)} over "
        f"{number(EVENT)} s: " + ("kept." if kept else "lower than noise explains; use the measured trace.")
    )
    title = f"ROI {traces['roi'][i]} at {number(event.frame / frame_rate, 4)} s"
    return Panel(title, _chart(found, dff, i, part, frame_rate, title, width=430, height=200), hint)


def _chart(
    found: DenoisingInputs,
    dff: FloatArray,
    i: int,
    part: slice,
    frame_rate: float,
    title: str,
    **size: int,
) -> Markup:
    denoised, low, high = (found.traces[i][name][part] for name in COLUMNS)
    times = np.arange(part.start, part.start + len(denoised)) / frame_rate
    measured = dff[part]
    values = np.concatenate([measured, low, high])
    values = values[np.isfinite(values)]
    bottom, top = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    pad = 0.04 * (top - bottom) or 0.1
    x, y = Axis("time, s", float(times[0]), float(times[-1])), Axis("dF/F", bottom - pad, top + pad)
    return strip(times, measured, denoised, (low, high), x, y, f"Measured and denoised dF/F of {title}", **size)


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    found: DenoisingInputs | None = inputs.loaded.get("denoising")
    if found is None:
        return
    flagged = int(inputs.cells["denoising_disagrees"].sum())
    if flagged > MANY * max(inputs.cells.height, 1):
        yield Warning(
            "warning",
            f"The denoised movie shows {flagged} of {inputs.cells.height} cells otherwise than they were measured",
            "Between raw and denoised movie these cells differ beyond chance. dF/F, its credible band and the spike "
            "rates come from the raw movie.",
            "Look at the events under Denoising below. Do not measure brightness in the denoised movie.",
            kind="denoising_disagrees",
        )
    check = found.check
    off = float((check["coverage"] - check["level"]).abs().max() or 0)  # pyright: ignore[reportArgumentType]
    if off > COVERAGE:
        yield Warning(
            "warning",
            f"Intervals around the denoised movie are off by {number(100 * off, 2)} points",
            "Raw frames that it was not learnt from lie inside more or less often than they should: its deviation, or "
            "the noise of the movie, is not what it was taken for.",
            "Do not use the deviation of the denoised movie, and take the credible bands of dF/F with care.",
            kind="denoising_coverage",
        )
