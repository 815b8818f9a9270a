"""From spike rates and presentations to tables of responses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.io import read_table
from groundtrace.notices import notice
from groundtrace.responses import tables
from groundtrace.responses.attenuation import Kept, kept, without_inference
from groundtrace.responses.conditions import varied, with_conditions
from groundtrace.responses.parameters import ResponseParameters
from groundtrace.responses.partners import APART, correlations, outlier_scores, strongest
from groundtrace.responses.presentations import read_stimuli
from groundtrace.responses.reliability import reliability, tuning_p
from groundtrace.responses.tuning import Tuning, tunings
from groundtrace.responses.windows import frame_spans, in_windows, plane_delay
from groundtrace.tables import empty, list_column, single

BATCH = 64
"""ROIs whose rates are in memory."""
KEPT = ("expected_r2", "expected_r2_error")
FEW = 0.1
"""Share of presentations without a response from which on it is said."""


def on_the_clock(frames: pl.DataFrame, acquisition: Acquisition) -> pl.DataFrame:
    """Frames of a plane with times (column time) since the first frame of the first plane."""
    delay = plane_delay(acquisition.plane, acquisition.planes, acquisition.frame_rate)
    return frames.with_columns(time=pl.col("time") + delay)


def present(
    stimuli: Path | str, frames: pl.DataFrame, frame_rate: float, parameters: ResponseParameters
) -> pl.DataFrame:
    """Table Presentations of a plane. frames: time and segment of its table Frames, on the clock of the stimuli."""
    timed = read_stimuli(stimuli).timed(frames["time"].to_numpy(), frame_rate)
    return with_conditions(timed, parameters.conditions, stimuli)


def windows_of(presentations: pl.DataFrame, parameters: ResponseParameters) -> FloatArray:
    """(n_presentations, 2) from and to of the windows of responses, s."""
    start, stop = (presentations[name].to_numpy() for name in ("start_time", "stop_time"))
    begin = start + parameters.latency
    return np.column_stack([begin, begin + (parameters.duration or stop - start)])


def respond(
    presentations: pl.DataFrame,
    frames: pl.DataFrame,
    spikes: Path | str,
    frame_rate: float,
    parameters: ResponseParameters,
) -> pl.DataFrame:
    """Table Responses from the file of the table Spikes, of which a few ROIs are read at a time, or of Units."""
    if "spike_times" in pq.read_schema(spikes).names:
        return _counted(read_table(spikes, ["roi", "accepted", "spike_times"]), windows_of(presentations, parameters))
    spans = frame_spans(frames["time"].to_numpy(), frames["segment"].to_numpy(), frame_rate)
    windows = windows_of(presentations, parameters)
    lasting = float((windows[:, 1] - windows[:, 0]).mean())
    columns = ["roi", "accepted", "rate", "rate_low", "rate_high", "expected_correlation"]
    parts = []
    for batch in pq.ParquetFile(spikes).iter_batches(BATCH, columns=columns):
        rate, low, high = (_lists(batch, name) for name in columns[2:5])
        band = (low, high) if low.size else None
        found = in_windows(rate, band, spans, windows, parameters.coverage)
        error = np.zeros((len(rate), 0)) if found.error is None else found.error
        own = pl.DataFrame(pl.from_arrow(batch.select(["roi", "accepted", "expected_correlation"])))
        correlation = own.drop_in_place("expected_correlation").cast(pl.Float64).fill_null(np.nan).to_numpy()
        parts.append(_with_responses(own, found.expected, error, kept(correlation, lasting)))
    table = pl.concat(parts) if parts else empty(tables.Responses)
    lost = np.mean([np.isnan(row.to_numpy()).mean() for row in table["response"]]) if table.height else 0
    if lost > FEW:
        notice(
            "no_response",
            f"{lost:.0%} of responses are missing, since less than {parameters.coverage:.0%} of their window are "
            "usable frames; look at the bad frames, or lower `responses.coverage`",
        )
    return table


def _counted(units: pl.DataFrame, windows: FloatArray) -> pl.DataFrame:
    """Table Responses: spikes in windows (n_windows, 2), which are known without an error."""
    edges = [np.searchsorted(times.to_numpy(), windows) for times in units["spike_times"]]
    counts = np.array([edge[:, 1] - edge[:, 0] for edge in edges], np.float32).reshape(-1, len(windows))
    known = Kept(np.ones(units.height), np.zeros(units.height))
    return _with_responses(units.select("roi", "accepted"), counts, np.zeros((units.height, 0)), known)


def _with_responses(rois: pl.DataFrame, expected: FloatArray, error: FloatArray, by: Kept) -> pl.DataFrame:
    """Rows of the table Responses. expected, error: (n_rois, n_presentations) spikes."""
    lists = {"response": expected, "response_error": error}
    columns = {name: list_column(values.astype(np.float32)) for name, values in lists.items()}
    return rois.with_columns(**columns, expected_r2=single(by.share), expected_r2_error=single(by.error))


def _lists(batch: Any, name: str) -> FloatArray:
    """(rows, length) of a column of lists of equal length."""
    values = batch.column(name).flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(batch), -1) if len(values) else np.zeros((len(batch), 0), np.float32)


def judge(presentations: pl.DataFrame, responses: pl.DataFrame, parameters: ResponseParameters) -> pl.DataFrame:
    """Table Reliability."""
    shown = presentations["condition"].is_not_null().to_numpy()
    condition, repeat = (presentations[name].filter(shown).to_numpy() for name in ("condition", "repeat"))
    roi, cells = responses["roi"].to_numpy(), responses["accepted"].to_numpy()
    if not len(roi):
        return empty(tables.Reliability)
    response = _responses(responses)[:, shown]
    found = reliability(response, condition, repeat)
    repeats = found["trials"] / np.maximum((np.bincount(condition) > 1).sum(), 1)
    found["oracle_corrected"], found["oracle_corrected_error"] = without_inference(found, repeats, kept_of(responses))
    trials = found.pop("trials").astype(np.int32)
    chosen = selected(found, cells, parameters)
    scores = outlier_scores(found, cells)
    columns = {"roi": roi, "accepted": cells, "selected": chosen, "trials": trials}
    columns |= {name: single(value) for name, value in found.items()}
    columns |= {"tuning_p": single(tuning_p(response, condition, parameters.permutations))}
    columns |= _partners(response, condition, roi, cells)
    columns |= {"outlier_score": single(scores), "outlier": np.nan_to_num(scores) > APART}
    return pl.DataFrame(columns).select(empty(tables.Reliability).columns)


def kept_of(responses: pl.DataFrame) -> Kept:
    """What the inference kept of the ROIs of the table Responses."""
    return Kept(*(responses[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in KEPT))


def _responses(responses: pl.DataFrame) -> FloatArray:
    return np.stack([row.to_numpy() for row in responses["response"]]).astype(np.float64)


def selected(found: Mapping[str, FloatArray], cells: BoolArray, parameters: ResponseParameters) -> BoolArray:
    """(n_rois,) cells above both percentiles, of the cells' own oracle correlations and variances, that are reliable at
    all: their oracle correlation is above 0."""
    rules = {"oracle": parameters.oracle_percentile, "variance": parameters.variance_percentile}
    chosen = cells & (np.nan_to_num(found["oracle"]) > 0)
    for name, percent in rules.items():
        known = found[name][cells & np.isfinite(found[name])]
        limit = np.percentile(known, percent) if len(known) else np.inf
        chosen &= np.nan_to_num(found[name], nan=-np.inf) > limit
    return chosen


def _partners(response: FloatArray, condition: IntArray, roi: IntArray, cells: BoolArray) -> dict[str, Any]:
    conditions = int(condition.max()) + 1
    matrices = dict(zip(("signal", "noise"), correlations(response, condition), strict=True))
    pairs = {"signal": conditions, "noise": response.shape[1] - conditions}
    columns: dict[str, Any] = {}
    for kind, matrix in matrices.items():
        for end, sign in (("partner", 1), ("opponent", -1)):
            row, r, error = strongest(matrix, cells, pairs[kind], sign)
            columns[f"{kind}_{end}"] = pl.Series(np.where(row >= 0, roi[row], -1), dtype=pl.Int32).replace(-1, None)
            columns |= {f"{kind}_{end}_r": single(r), f"{kind}_{end}_r_error": single(error)}
    return columns


def tune(presentations: pl.DataFrame, responses: pl.DataFrame, parameters: ResponseParameters) -> pl.DataFrame:
    """Table Tuning: responses to each value of the columns of numbers that were varied."""
    if not responses.height:
        return empty(tables.Tuning)
    response = _responses(responses)
    names = [name for name in varied(presentations, parameters.conditions) if presentations[name].dtype.is_numeric()]
    shown = {name: presentations[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in names}
    found = [(name, tuning) for name, values in shown.items() for tuning in tunings(response, values, name)]
    parts = [_rows(responses["roi"], name, tuning) for name, tuning in found]
    return pl.concat(parts) if parts else empty(tables.Tuning)


def _rows(roi: pl.Series, name: str, found: Tuning) -> pl.DataFrame:
    """Rows of the table Tuning for one number."""
    lists = {"response": found.response, "response_error": found.error}
    lists |= {"value": np.broadcast_to(found.value, found.response.shape)}
    numbers = ("preferred", "preferred_error", "selectivity", "selectivity_error")
    columns = {
        "roi": roi,
        "parameter": pl.Series([name] * len(roi)),
        "period": pl.Series([found.period] * len(roi), dtype=pl.Float32),
        **{key: list_column(values.astype(np.float32)) for key, values in lists.items()},
        **{key: single(getattr(found, key)) for key in numbers},
    }
    return pl.DataFrame(columns).select(empty(tables.Tuning).columns)
