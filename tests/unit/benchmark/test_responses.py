"""Scores of responses: true spikes are right within their error, and what is lost after them is seen."""

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark.responses import NAMES, apart, judged, repeated, score_responses, sources_of
from groundtrace.benchmark.tables import CellBenchmark, ResponseBenchmark
from groundtrace.random import stream
from groundtrace.responses.attenuation import Kept
from groundtrace.responses.conditions import with_conditions
from groundtrace.responses.presentations import Stimuli
from groundtrace.responses.tables import Responses
from groundtrace.responses.windows import frame_spans
from groundtrace.simulation.evoked import Driven, evoke
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.stimulus import Shown, show
from groundtrace.simulation.tables import TruthResponses
from groundtrace.tables import list_column, validate
from groundtrace.traces.tables import Traces
from tests.tables import example

CELLS, RATE = 30, 30.0
STIMULUS = {"images": "gratings", "n_images": 36, "repeats": 12, "once": 5, "grey": 0.1}
PARAMETERS = Simulation.model_validate({"frames": 4700, "rate": 3.0, "stimulus": STIMULUS})


@pytest.fixture(scope="module")
def shown() -> Shown:
    found = show(PARAMETERS, "a", RATE)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def truth(shown) -> tuple[list[np.ndarray], Driven]:
    spiking, driven = evoke(stream(2, "cells"), PARAMETERS, shown, CELLS, 0.0, -2.0, PARAMETERS.frames / RATE)
    return spiking.times, driven


@pytest.fixture(scope="module")
def presentations(shown, tmp_path_factory) -> pl.DataFrame:
    table = shown.presentations.rename({"start_time": "start", "stop_time": "stop"})
    timed = Stimuli(tmp_path_factory.mktemp("s") / "s.parquet", table, in_frames=False).timed(
        np.arange(PARAMETERS.frames) / RATE, RATE
    )
    return with_conditions(timed, None, "stimuli")


@pytest.fixture(scope="module")
def table(shown, truth, presentations) -> pl.DataFrame:
    times, driven = truth
    noisy = stream(0, "noise").normal(0, 1.5, (CELLS, presentations.height))
    windows = np.column_stack([presentations[name].to_numpy() + 0.05 for name in ("start_time", "stop_time")])
    counts = np.stack([np.searchsorted(t, windows[:, 1]) - np.searchsorted(t, windows[:, 0]) for t in times])
    # ROIs are in another order than cells, and there are more of them.
    cells = example(
        CellBenchmark, cell=list(range(CELLS)), roi=list(range(CELLS, 0, -1)), kind="soma", detectability=9.0
    )
    rois = np.concatenate([np.zeros((1, presentations.height)), (counts + noisy)[::-1]]).astype(np.float32)
    responses = example(Responses, roi=list(range(CELLS + 1)), response=rois)
    light = np.zeros((CELLS + 1, PARAMETERS.frames), np.float32)
    traces = example(Traces, roi=list(range(CELLS + 1)), dff=light).select("roi", "dff")
    spans = frame_spans(np.arange(PARAMETERS.frames) / RATE, np.zeros(PARAMETERS.frames, int), RATE)
    sources = sources_of(cells, pl.Series([t.tolist() for t in times]), responses, traces, spans, windows, 0.0, 0.9)
    assert (sources["true"] == counts).all()
    plane = {"plane": pl.Series([0] * CELLS, dtype=pl.Int32), "roi": pl.Series(range(CELLS), dtype=pl.Int32)}
    lists = {"response": driven.expected, "deviation": np.sqrt(driven.variance)}
    lists = {name: list_column(values.astype(np.float32)) for name, values in lists.items()}
    oracle = pl.Series(driven.oracle, dtype=pl.Float32)
    known = pl.DataFrame(plane | driven.fields.columns() | lists | {"oracle": oracle})
    # Of posterior means of these noisy counts.
    shares = counts.var(axis=1) / (counts.var(axis=1) + 1.5**2)
    by = Kept(shares, np.zeros(CELLS))
    sources["inferred"] = shares[:, None] * sources["inferred"]
    return score_responses(cells, validate(TruthResponses, known), presentations, sources, by)


def test_true_spikes_have_the_true_oracle_within_their_error_and_noise_lowers_it(table):
    assert validate(ResponseBenchmark, table).height == 3 * CELLS
    parts = {source: table.filter(source=source) for source in ("true", "inferred", "dff")}
    off = {name: (part["oracle"] - part["true_oracle"]).to_numpy() for name, part in parts.items()}
    error = parts["true"]["oracle_error"].to_numpy()
    assert abs(np.mean(off["true"])) < 2.5 * np.sqrt(np.mean(error**2) / CELLS) + 0.01
    assert np.sqrt(np.mean(off["true"] ** 2)) < 2 * np.sqrt(np.mean(error**2))
    assert np.nanmean(off["inferred"]) < -0.1
    assert parts["dff"]["oracle"].null_count() == CELLS
    corrected = (parts["inferred"]["oracle_corrected"] - parts["inferred"]["true_oracle"]).to_numpy()
    assert abs(np.nanmean(corrected)) < 0.3 * abs(np.nanmean(off["inferred"]))
    assert parts["true"]["oracle_corrected"].null_count() == CELLS


def test_the_preferred_orientation_is_that_of_the_receptive_field(table):
    own = table.filter(pl.col("source") == "true", pl.col("true_oracle") > 0.3)
    assert own["orientation_off"].median() < 10
    assert table.filter(kind="untuned")["orientation_off"].null_count() == table.filter(kind="untuned").height


def test_images_that_were_shown_once_do_not_count(presentations):
    condition, repeat, rows = repeated(presentations)
    assert len(rows) == 36 * 12 == presentations.height - 5
    assert np.bincount(condition).tolist() == [12] * 36
    assert repeat.max() == 11


def test_only_detectable_somata_that_were_found_are_judged():
    kinds, rois = ["soma", "soma", "dendrite", "soma"], [0, None, 1, 2]
    cells = example(CellBenchmark, cell=[0, 1, 2, 3], kind=kinds, roi=rois, detectability=[9.0, 9.0, 9.0, 1.0])
    assert judged(cells, 5.0)["cell"].to_list() == [0]
    assert set(NAMES) <= set(cells.columns)


def test_orientations_come_back_after_180_degrees():
    assert apart(np.array([179.0, 10, 95]), np.array([1.0, 170, 5])).tolist() == [2, 20, 90]
