"""Scores of denoising."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from groundtrace.benchmark.ranking import CLEAN, NOT_DENOISED
from groundtrace.report.comparison import ALONG, BoardRow, Methods, Recordings, board, paint, trend
from groundtrace.report.svg import Axis, Panel

ENDS = ("measured", "without noise")
"""Traces of the movie that was recorded, and of the one that no method can surpass."""
SMOOTHED = "smoothed"
"""The measured traces with what their noise leaves possible: the same whatever denoises the movie, so shown once."""
MOVIE_COLUMNS = (
    ("psnr", "PSNR", "dB, peak signal-to-noise ratio against the movie without noise, noise made equal everywhere"),
    ("ssim", "SSIM", "structural similarity with the movie without noise, likewise"),
    ("wobble", "wobble", "variance over time of static pixels, over that of the noise of a pixel"),
    ("still", "wobble, still", "the same in movies in which nothing happens at all"),
    ("border_shift", "borders", "px, RMS of the jumps of static borders from frame to frame"),
    ("disagrees", "flagged", "share of the ROIs with the flag denoising_disagrees"),
)
TRACE_COLUMNS = (
    ("correlation", "r", "median over ROIs of r with dF/F in the movie without noise"),
    ("snr", "SNR", "median over ROIs, SD of dF/F without noise over the RMS error"),
    ("slope", "slope", "of found on true event amplitudes; 1 is right"),
    ("slope_small", "small", "the same of the smaller half of the events"),
    ("slope_large", "large", "the same of the larger half"),
    ("slope_rare", "rare", "the same of cells with fewer than 3 events"),
    ("leakage", "leakage", "share of a large isolated event in the 5 frames before it; 0 is right"),
    ("spike_correlation", "spikes r", "mean r with the true spikes of the rates inferred from this trace"),
)
BAND_COLUMNS = (
    ("coverage", "coverage", "share of the frames whose dF/F without noise is in the 90 % credible band"),
    ("coverage_events", "in events", "the same of the 3 % of each ROI's frames with the largest dF/F"),
    ("band_ratio", "width / boxcar", "its width over that of the best running mean at the same coverage"),
    ("band_width", "width", "median over ROIs of the mean width, dF/F"),
)
RECORDING_COLUMNS = (
    ("photons", None, "photons", "mean per pixel and frame"),
    ("rois", None, "ROIs", "true footprints that are scored"),
    ("coverage", "coverage_error", "coverage", BAND_COLUMNS[0][2]),
    ("coverage_events", "coverage_events_error", "in events", BAND_COLUMNS[1][2]),
    ("band_ratio", "band_ratio_error", "width / boxcar", BAND_COLUMNS[2][2]),
    ("events", None, "events", "in the dF/F without noise"),
    ("smoothed_slope", "smoothed_slope_error", "slope", TRACE_COLUMNS[2][2]),
    ("measured_slope", "measured_slope_error", "measured", "slope of the measured trace"),
    ("rare_events", None, "rare events", "those of cells with fewer than 3"),
    ("smoothed_slope_rare", "smoothed_slope_rare_error", "their slope", TRACE_COLUMNS[5][2]),
    ("measured_slope_rare", "measured_slope_rare_error", "measured", "of rare events in the measured trace"),
)
"""Value, its standard error over ROIs if there is one, heading, meaning."""
NULL_COLUMNS = (
    ("static", "static", "nothing changes but the noise"),
    ("frames", "frames", "frames in shuffled order"),
    ("blocks", "blocks", "blocks of ten frames in shuffled order"),
)


Row = tuple[str, list[tuple[float | None, float | None]]]
"""Name of a recording; values of RECORDING_COLUMNS and their errors."""
Board = tuple[str, list[BoardRow], tuple[tuple[str, str, str], ...]]
"""Heading, rows, columns."""


@dataclass(frozen=True)
class DenoisingPart:
    """What the template shows."""

    boards: list[Board]
    recordings: list[Row]
    legend: list[tuple[str, str]]
    charts: list[Panel]


def context(data: Recordings) -> dict[str, Any] | None:
    part = denoising_part(data, data.denoising) if data.denoising is not None else None
    return part and {"part": part, "recording_columns": RECORDING_COLUMNS}


def denoising_part(data: Recordings, table: pl.DataFrame) -> DenoisingPart | None:
    """From the table DenoisingBenchmark; None when nothing was scored."""
    if table.is_empty():
        return None
    active, traces = pl.col("null_movie").is_null(), by_trace(table)
    methods = sorted(set(table["denoise"]))
    labels = sorted({*traces["label"], *map(movie_label, methods)})
    colours = paint([name for name in labels if name not in ENDS], [name for name in labels if name in ENDS])
    of_movies = {name: colours[movie_label(name)] for name in methods}
    movies = table.filter(active).with_columns(label="denoise")
    bands = smoothed_once(movies).drop_nulls("coverage")
    still = table.filter(pl.col("null_movie") == "static").with_columns(still="wobble", label="denoise")
    still = still.select("session", "plane", "denoise", "label", "still")
    events = traces.with_columns(
        pl.when(pl.col("null_movie") == kind).then("false_events").alias(kind) for kind, *_ in NULL_COLUMNS
    )
    parts = [
        ("The movie, pixel by pixel", pl.concat([movies, still], how="diagonal"), MOVIE_COLUMNS, of_movies),
        ("dF/F of the true footprints", traces.filter(active), TRACE_COLUMNS, colours),
        ("The 90 % credible band around dF/F", bands, BAND_COLUMNS, colours),
        ("False events per ROI and minute, in movies without any", events.filter(~active), NULL_COLUMNS, colours),
    ]
    boards: list[Board] = []
    for title, rows, columns, painted in parts:
        if rows.height:
            axis = Axis("", 0, max(rows[columns[0][0]].drop_nulls().to_list(), default=1.0))
            boards.append((title, board(data, rows, "denoise", columns, painted, axis), columns))
    charts = _charts(data, traces.filter(active), bands, colours)
    return DenoisingPart(boards, recording_rows(movies), list(colours.items()), charts)


def movie_label(method: str) -> str:
    """Label of the traces of a denoised movie."""
    return ENDS[0] if method == NOT_DENOISED else f"{method}, movie"


def smoothed_once(table: pl.DataFrame) -> pl.DataFrame:
    """Rows of one denoising per recording, as those of SMOOTHED."""
    denoised = table.filter(pl.col("denoise") != NOT_DENOISED)
    once = denoised.unique(["session", "plane"], keep="first", maintain_order=True)
    return once.with_columns(denoise=pl.lit(SMOOTHED), label=pl.lit(SMOOTHED))


def recording_rows(movies: pl.DataFrame) -> list[Row]:
    """From the rows of DenoisingBenchmark with events, the dimmest recording first."""
    measured = [f"slope{part}" for part in ("", "_error", "_rare", "_rare_error")]
    control = movies.filter(pl.col("denoise") == NOT_DENOISED).select(
        "session", "plane", *(pl.col(f"movie_{name}").alias(f"measured_{name}") for name in measured)
    )
    rows = smoothed_once(movies).join(control, on=["session", "plane"], how="left").sort("photons", "session", "plane")
    return [
        (
            row["session"],
            [(row[value], row[error] if error else None) for value, error, *_ in RECORDING_COLUMNS],
        )
        for row in rows.iter_rows(named=True)
    ]


def by_trace(table: pl.DataFrame) -> pl.DataFrame:
    """A row for each trace of each denoising: `label` says which, then the columns of TRACE_COLUMNS, `false_events`."""
    keys = ["session", "plane", "photons", "denoise", "null_movie"]
    values = [*(name for name, *_ in TRACE_COLUMNS), "false_events"]
    movie = pl.col("denoise").map_elements(movie_label, pl.String)
    parts = [
        own.select(*keys, "label", *(pl.col(f"{trace}_{name}").alias(name) for name in values))
        for trace, own in (("movie", table.with_columns(label=movie)), ("smoothed", smoothed_once(table)))
    ]
    clean = table.unique(["session", "plane"], keep="first", maintain_order=True).with_columns(denoise=pl.lit(CLEAN))
    parts.append(clean.select(*keys, spike_correlation="clean_spike_correlation", label=pl.lit(ENDS[1])))
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in values)
    return pl.concat(parts, how="diagonal").filter(known)


def _charts(data: Recordings, traces: pl.DataFrame, bands: pl.DataFrame, colours: dict[str, str]) -> list[Panel]:
    """Along the light of the recordings."""
    panels = []
    for value, label in (("correlation", "r with dF/F without noise"), ("spike_correlation", "spikes r")):
        methods = Methods("label", colours, [name for name in colours if name in ENDS])
        panels += trend(data, traces, "photons", ALONG["photons"], Axis(label, 0, 1), methods, value)
    for value, label in (
        ("coverage", "coverage"),
        ("coverage_events", "coverage in events"),
        ("band_ratio", "width / boxcar"),
    ):
        methods = Methods("label", {name: colour for name, colour in colours.items() if name == SMOOTHED})
        panels += trend(data, bands, "photons", ALONG["photons"], Axis(label, 0, 1), methods, value)
    return panels
