"""Responses to stimuli against the true ones of a simulated plane: what each step from spikes to their inference costs.

The same cells and presentations are judged from true spikes, from the spikes that a recipe inferred, and from dF/F.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.tables import Conditions, ResponseBenchmark
from groundtrace.responses.attenuation import Kept, without_inference
from groundtrace.responses.reliability import reliability
from groundtrace.responses.tuning import tunings
from groundtrace.responses.windows import in_windows
from groundtrace.tables import stack

SOURCES = ("true", "inferred", "dff")
"""True spikes, the recipe's own, and dF/F in place of a rate."""
NAMES = (*Conditions.columns, "recipe", "motion_method", "denoise", "extract", "spikes", "cell")
"""Columns of CellBenchmark that ResponseBenchmark has too."""


def judged(cells: pl.DataFrame, detectability: float) -> pl.DataFrame:
    """Rows of CellBenchmark of the detectable somata that a recipe found."""
    found = pl.col("roi").is_not_null() & (pl.col("kind") == "soma")
    return cells.filter(found & (pl.col("detectability") >= detectability)).sort("cell")


def sources_of(
    cells: pl.DataFrame,
    spike_times: pl.Series,
    responses: pl.DataFrame,
    traces: pl.DataFrame,
    spans: FloatArray,
    windows: FloatArray,
    delay: float,
    coverage: float,
) -> dict[str, FloatArray]:
    """Responses (n_cells, n_presentations) of the judged cells from each of SOURCES.

    spike_times: of all true cells of the plane, s on its own clock, which is `delay` behind that of the windows (s).
    spans: (n_frames, 2) that frames stand for. responses, traces: tables of the recipe.
    """
    own = [spike_times[cell].to_numpy() for cell in cells["cell"]]
    counted = [np.searchsorted(times, windows - delay) for times in own]
    at = np.searchsorted(responses["roi"].to_numpy(), cells["roi"].to_numpy())
    light = stack(traces["dff"][at]) if len(at) else np.zeros((0, len(spans)))
    shape = (-1, len(windows))
    return {
        "true": np.reshape([edge[:, 1] - edge[:, 0] for edge in counted], shape).astype(np.float64),
        "inferred": np.reshape(stack(responses["response"][at]), shape).astype(np.float64),
        "dff": in_windows(light, None, spans, windows, coverage).expected,
    }


def score_responses(
    cells: pl.DataFrame, truth: pl.DataFrame, presentations: pl.DataFrame, sources: Mapping[str, FloatArray], by: Kept
) -> pl.DataFrame:
    """Table ResponseBenchmark: one row per cell and source.

    cells: those `judged`. truth: rows of TruthResponses of the plane. presentations: table Presentations. by: of the
    inferred responses of the cells.
    """
    known = truth[cells["cell"]]
    condition, repeat, kept = repeated(presentations)
    parts = []
    for source, response in sources.items():
        found = reliability(response[:, kept], condition, repeat) if len(response) else {}
        angle, error = preferred_orientation(response, presentations)
        off = np.where(known["kind"].to_numpy() == "untuned", np.nan, apart(angle, known["orientation"].to_numpy()))
        numbers = {name: found.get(name, np.zeros(0)) for name in ("oracle", "oracle_error", "explainable")}
        numbers["oracle_corrected"] = np.full(len(response), np.nan)
        if source == "inferred" and len(response):
            repeats = found["trials"] / (condition.max() + 1)
            numbers["oracle_corrected"] = without_inference(found, repeats, by)[0]
        numbers |= {"orientation_off": off, "orientation_error": error}
        own = cells.select(*NAMES, "detectability", "noise_level").with_columns(
            source=pl.lit(source),
            kind=known["kind"],
            true_oracle=known["oracle"],
            **{name: pl.Series(values, dtype=pl.Float32).fill_nan(None) for name, values in numbers.items()},
        )
        parts.append(own)
    return table_of(ResponseBenchmark, pl.concat(parts).rows(named=True))


def repeated(presentations: pl.DataFrame) -> tuple[IntArray, IntArray, IntArray]:
    """Condition (numbered anew) and repeat of the presentations of images that were shown more than once, and their
    rows."""
    counted = pl.len().over("condition") > 1
    rows = presentations.with_row_index().filter(pl.col("condition").is_not_null() & counted)
    condition = np.unique(rows["condition"].to_numpy(), return_inverse=True)[1]
    return condition, rows["repeat"].to_numpy(), rows["index"].to_numpy()


def preferred_orientation(response: FloatArray, presentations: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Preferred orientation (n_cells,) and its standard error, degrees; NaN where no orientation was shown."""
    shown = presentations["orientation"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    found: Sequence = tunings(response, shown, "orientation") if len(response) else ()
    unknown = np.full(len(response), np.nan)
    return next(((own.preferred, own.preferred_error) for own in found if own.period == 180), (unknown, unknown))


def apart(angle: FloatArray, other: FloatArray) -> FloatArray:
    """How far orientations are from each other, 0 to 90 degrees."""
    return np.abs((angle - other + 90) % 180 - 90)
