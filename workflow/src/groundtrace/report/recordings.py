"""The page of the benchmark on simulated recordings: which motion correction, extraction and recipe to trust."""

from collections.abc import Sequence

import polars as pl

from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.report.comparison import Recordings
from groundtrace.report.frame import render


def render_recordings(
    motion: pl.DataFrame,
    extraction: pl.DataFrame,
    cells: pl.DataFrame,
    recipes: pl.DataFrame,
    timing: pl.DataFrame,
    parameters: BenchmarkParameters,
    denoising: pl.DataFrame | None = None,
    responses: pl.DataFrame | None = None,
    encoding: pl.DataFrame | None = None,
    absent: Sequence[str] = (),
) -> str:
    """The page as HTML, from the tables MotionBenchmark, ExtractionBenchmark, CellBenchmark, RecipeBenchmark and, where
    something was denoised or shown, DenoisingBenchmark, ResponseBenchmark and
    EncodingBenchmark.

    absent: what could not be scored, in words.
    timing: rows of stage, name, session, plane, frames, pixels, cpu_seconds, peak_mb.
    """
    data = Recordings(motion, extraction, cells, recipes, timing, parameters, denoising, responses, encoding, absent)
    return render("recordings", data, data.title)
