"""The page of the benchmark on simulated recordings: which motion correction, extraction and recipe to trust."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.ranking import NO_MOTION, ORACLE, Standing
from groundtrace.report.comparison import ALONG, BoardRow, Recordings, binned, board, paint, plural, trend
from groundtrace.report.denoising_scores import RECORDING_COLUMNS, denoising_part
from groundtrace.report.html import number, render
from groundtrace.report.session import Figure
from groundtrace.report.svg import Axis, Panel, interval

FASTER = 1.2
"""A recipe is called the fastest from this ratio on."""
DRAWN = 6
"""Recipes in a chart besides the controls, the best ones."""
CELL_BINS = 8
"""Points along detectability."""
DETECTABILITY = "detectability d′ of the cell"
STEPS = {"motion": "motion correction", "denoise": "denoising", "extract": "extraction"}
CHAIN = ["motion_method", "denoise", "extract"]


@dataclass(frozen=True)
class Answer:
    """Which recipe to take under some conditions."""

    title: str
    hint: str
    best: Standing
    tied: list[Standing]
    """Not told apart from the best."""
    next: Standing | None
    """The first that is told apart from it."""
    fastest: str | None
    """Of the best and those not told apart from it, where one stands out."""


def render_recordings(
    motion: pl.DataFrame,
    extraction: pl.DataFrame,
    cells: pl.DataFrame,
    recipes: pl.DataFrame,
    timing: pl.DataFrame,
    parameters: BenchmarkParameters,
    denoising: pl.DataFrame | None = None,
    absent: Sequence[str] = (),
) -> str:
    """The page as HTML, from the tables MotionBenchmark, ExtractionBenchmark, CellBenchmark, RecipeBenchmark and, where
    something was denoised, DenoisingBenchmark.

    absent: what could not be scored, in words.
    timing: rows of stage, name, session, plane, frames, pixels, cpu_seconds, peak_mb.
    """
    data = Recordings(motion, extraction, cells, recipes, timing, parameters)
    denoised = denoising_part(data, denoising) if denoising is not None else None
    stages = ", ".join(["motion correction", *(["denoising"] if denoised else []), "extraction"])
    return render(
        "recordings.html",
        ("benchmark.js",),
        {},
        title=f"Which {stages} and recipe for recordings like yours",
        parameters=parameters,
        absent=absent,
        figures=totals(data),
        overall=answer(data, "over all", "", data.board),
        answers=answers(data),
        recipes=recipe_board(data),
        timed=" and ".join(STEPS.get(stage, stage) for stage in data.timed),
        recipe_legend=[(name, colour) for name, colour in data.colours.items() if name in drawn_recipes(data)],
        recipe_charts=recipe_charts(data),
        motion=motion_board(data),
        motion_columns=MOTION_COLUMNS,
        motion_charts=motion_charts(data),
        motion_legend=list(motion_colours(data).items()),
        extraction=[(name, extraction_board(data, name)) for name in ("accepted", "all")],
        extraction_columns=EXTRACTION_COLUMNS,
        extraction_charts=extraction_charts(data),
        extraction_legend=list(chain_colours(data).items()),
        denoising=denoised,
        denoising_columns=RECORDING_COLUMNS,
        sessions=data.sessions.rows(named=True),
        pixels=sorted(set(timing["pixels"].drop_nulls())),
    )


def totals(data: Recordings) -> list[Figure]:
    own = data.counted.unique(["session", "plane", "cell"])
    controls = sum(row.control for row in data.board)
    return [
        Figure("sessions", number(data.sessions.height, 9), "", "simulated, each with its truth"),
        Figure("indicators", number(data.sessions["indicator"].n_unique(), 9), "", ""),
        Figure("cells", number(own.height, 9), "", "somata that can be seen and that fired"),
        Figure("spikes", number(int(own["true_spikes"].sum() or 0), 9), "", "of these cells"),
        Figure("recipes", number(len(data.board) - controls, 9), "", f"and {controls} with a control in them"),
    ]


def answer(data: Recordings, title: str, hint: str, board: list[Standing]) -> Answer | None:
    """None when only controls have run."""
    rows = [row for row in board if not row.control]
    if not rows:
        return None
    best, tied = rows[0], [row for row in rows[1:] if row.tied]
    behind = [row for row in rows[1:] if row.behind.low > 0]
    speeds = sorted(((data.speeds[row.recipe].frames, row.recipe) for row in (best, *tied)), reverse=True)
    known = len(speeds) > 1 and all(math.isfinite(frames) for frames, _ in speeds)
    clear = known and speeds[0][0] > FASTER * speeds[1][0]
    return Answer(title, hint, best, tied, behind[0] if behind else None, speeds[0][1] if clear else None)


def answers(data: Recordings) -> list[Answer]:
    """One for each group of conditions that were simulated: indicator, frame rate, noise, density."""
    table = data.sessions.with_columns(
        light=binned(data.sessions["photons"].to_numpy(), 3), crowd=binned(data.sessions["density"].to_numpy(), 3)
    )
    crowds = table["crowd"].n_unique()
    found = []
    for key, own in table.group_by("indicator", "frame_rate", "crowd", "light", maintain_order=True):
        cells = data.counted.filter(pl.col("session").is_in(own["session"].to_list()))
        if cells.is_empty():
            continue
        indicator, rate, crowd = str(key[0]), float(key[1]), int(key[2])
        words = ("sparse", "medium", "dense") if crowds == 3 else ("sparse", "dense")
        light, density, moved, level = (
            float(np.nanmedian(own[name].fill_null(np.nan).to_numpy()))
            for name in ("photons", "density", "motion", "noise_level")
        )
        title = f"{indicator} at {number(rate)} Hz, ν about {number(level, 2)}"
        title += f", {words[crowd]} field" if crowds > 1 else ""
        hint = f"{number(light, 2)} photons per pixel and frame, {number(density, 2)} cells per mm³, motion of "
        hint += f"{number(moved, 2)} px; {plural(own.height, 'session')}, "
        hint += plural(cells.unique(["session", "plane", "cell"]).height, "cell")
        found.append((indicator, rate, crowd, level, answer(data, title, hint, data.standings(cells, title))))
    return [row[-1] for row in sorted(found, key=lambda row: row[:-1]) if row[-1]]


def recipe_board(data: Recordings) -> list[BoardRow]:
    methods = {row["recipe"]: row for row in data.recipes.unique("recipe").iter_rows(named=True)}
    table = []
    for row in data.board:
        own = methods[row.recipe]
        note = " → ".join(own[name] for name in (*CHAIN, "spikes") if name != "denoise" or own[name] != "none")
        bar = interval(row.score.value, row.score.low, row.score.high, data.colours[row.recipe], Axis("", 0, 1), 100)
        values = [row.score, row.found, row.correlation, row.behind]
        note = f"control: {note}" if row.control else note
        table.append(
            BoardRow(row.recipe, note, data.colours[row.recipe], row.sessions, bar, values, data.speeds[row.recipe])
        )
    return table


def drawn_recipes(data: Recordings) -> list[str]:
    """The best ones and the controls."""
    chosen = [row.recipe for row in data.board if not row.control][:DRAWN]
    return chosen + [row.recipe for row in data.board if row.control]


def recipe_charts(data: Recordings) -> list[Panel]:
    table = data.counted.drop("noise_level").join(data.sessions.select("session", "noise_level"), on="session")
    shared = {
        "names": drawn_recipes(data),
        "by": "recipe",
        "value": "spike_correlation",
        "colours": data.colours,
        "controls": [row.recipe for row in data.board if row.control],
    }
    score = Axis("score", 0, 1)
    panels = [panel for along, label in ALONG.items() for panel in trend(data, table, along, label, score, **shared)]
    somata = data.cells.filter(pl.col("kind") == "soma", pl.col("spike_correlation").is_not_null())
    return panels + trend(data, somata, "detectability", DETECTABILITY, score, **shared, bins=CELL_BINS)


MOTION_COLUMNS = (
    ("residual", "all", "px, RMS over field and frames of the displacement that is left"),
    ("residual_rigid", "rigid part", "px, the same of its mean over the field"),
    ("residual_99", "99 %", "px, 99th percentile over frames of the RMS over the field"),
    ("residual_rest", "at rest", "px, over the frames at rest"),
    ("residual_moving", "moving", "px, over the frames during locomotion"),
    ("frames_lost", "frames lost", "share of frames off by more than 2 px or marked bad"),
)
EXTRACTION_COLUMNS = (
    ("f1_50", "F1", "at an IoU of 0.5 or more"),
    ("precision_50", "precision", "share of ROIs that are a cell, IoU 0.5 or more"),
    ("recall_50", "recall", "share of cells that have a ROI, IoU 0.5 or more"),
    ("f1_30", "F1, 0.3", "at an IoU of 0.3 or more"),
    ("precision_30", "precision, 0.3", "share of ROIs that are a cell, IoU 0.3 or more"),
    ("recall_30", "recall, 0.3", "share of cells that have a ROI, IoU 0.3 or more"),
    ("overlap", "overlap", "median IoU of the pairs at 0.3"),
    ("trace_correlation", "trace r", "median r of dF/F with the true calcium of the cells found"),
    ("crosstalk_neighbours", "neighbours", "correlation with the calcium of neighbours beyond the cell's own"),
    ("crosstalk_neuropil", "neuropil", "correlation with the neuropil beyond the cell's own calcium"),
    ("noise_level", "ν", "%/√Hz, median of the cells found"),
)


def motion_colours(data: Recordings) -> dict[str, str]:
    names = sorted(set(data.motion["motion_method"]))
    return paint([name for name in names if name != NO_MOTION], [name for name in names if name == NO_MOTION])


def motion_board(data: Recordings) -> list[BoardRow]:
    """The smallest residual first."""
    axis = Axis("", 0, max(data.motion["residual"].to_list(), default=1))
    table = data.motion.with_columns(label="motion_method")
    return board(data, table, "motion", MOTION_COLUMNS, motion_colours(data), axis)


def motion_charts(data: Recordings) -> list[Panel]:
    colours = motion_colours(data)
    shared = {"names": list(colours), "by": "motion_method", "value": "residual", "colours": colours}
    residual = Axis("residual (px)", 0, 0.1)
    panels = []
    for along in ("photons", "motion", "nonrigid", "axial"):
        panels += trend(data, data.motion, along, ALONG[along], residual, **shared, controls=[NO_MOTION])
    return panels


def chained(table: pl.DataFrame) -> pl.DataFrame:
    """With the column label: the extraction, and what came before it."""
    denoised = pl.when(pl.col("denoise") == "none").then(pl.lit("")).otherwise(pl.format(" and {}", "denoise"))
    return table.with_columns(label=pl.format("{} on {}{}", "extract", "motion_method", denoised))


def chain_colours(data: Recordings) -> dict[str, str]:
    chains = chained(data.extraction).select("label", "extract").unique().sort("label")
    told = pl.col("extract") == ORACLE
    return paint(chains.filter(~told)["label"].to_list(), chains.filter(told)["label"].to_list())


def extraction_board(data: Recordings, selection: str) -> list[BoardRow]:
    table = chained(data.extraction.filter(pl.col("selection") == selection))
    return board(data, table, "extract", EXTRACTION_COLUMNS, chain_colours(data), Axis("", 0, 1))


def extraction_charts(data: Recordings) -> list[Panel]:
    """Recall against detectability; F1 of the accepted ROIs against conditions and the motion that is left."""
    colours = chain_colours(data)
    told = [name for name in colours if name.startswith(f"{ORACLE} ")]
    shared = {"names": list(colours), "by": "label", "colours": colours, "controls": told}
    # Recipes that differ in spike inference alone share their ROIs.
    somata = chained(data.cells.filter(pl.col("kind") == "soma")).with_columns(
        found=pl.col("roi").is_not_null().cast(pl.Float32)
    )
    somata = somata.unique(["session", "plane", "label", "cell"], maintain_order=True)
    recall = Axis("recall", 0, 1)
    panels = trend(data, somata, "detectability", DETECTABILITY, recall, **shared, value="found", bins=CELL_BINS)
    accepted = chained(data.extraction.filter(pl.col("selection") == "accepted")).drop("noise_level")
    accepted = accepted.join(data.sessions.select("session", "noise_level"), on="session")
    for along, label in {**ALONG, "residual": "motion left over (px)"}.items():
        if along in ("density", "noise_level", "residual"):
            panels += trend(data, accepted, along, label, Axis("F1", 0, 1), **shared, value="f1_50")
    return panels
