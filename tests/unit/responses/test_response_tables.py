"""From a file of stimuli and a table of spikes to the tables of responses."""

import numpy as np
import polars as pl
import pytest

from groundtrace.io import write_table
from groundtrace.notices import noting
from groundtrace.responses.parameters import ResponseParameters
from groundtrace.responses.steps import judge, on_the_clock, present, respond, selected, tune
from groundtrace.responses.tables import Presentations, Reliability, Responses, Tuning, presentations_table
from groundtrace.responses.windows import GROWTH
from groundtrace.tables import stack, validate
from tests.unit.report.report_example import example_acquisition
from tests.unit.responses.responses_example import RATE, driven, frames_of, shown, spike_counts, write_spikes

PARAMETERS = ResponseParameters()
FRAMES = 3200


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Presentations, the counts of 70 cells, and their tables of spikes and responses."""
    folder = tmp_path_factory.mktemp("responses")
    shown(20, 10).write_csv(folder / "stimuli.csv")
    presentations = present(folder / "stimuli.csv", frames_of(FRAMES), RATE, PARAMETERS)
    means = 1 + np.random.default_rng(0).gamma(0.5, 2, (70, 20)) * np.linspace(0, 1, 70)[:, None]
    counts = spike_counts(means, presentations["condition"].to_numpy())
    rate = driven(counts, presentations, FRAMES)
    rate[5] = np.nan
    spikes = write_spikes(folder / "spikes.parquet", rate, accepted=np.arange(70) % 10 != 9)
    return presentations, counts, spikes


def test_responses_are_the_spikes_in_each_window(made):
    presentations, counts, spikes = made
    table = validate(Responses, respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS))
    found = stack(table["response"])
    assert np.isnan(found[5]).all()
    assert np.delete(found, 5, 0) == pytest.approx(np.delete(counts, 5, 0), abs=0.6, rel=0.15)
    assert table["response_error"].list.len().max() == 0
    assert table["roi"].to_list() == list(range(70))


def test_another_window_gives_other_responses(made):
    presentations, counts, spikes = made
    late = ResponseParameters(latency=0.05, duration=0.125)
    half = stack(respond(presentations, frames_of(FRAMES), spikes, RATE, late)["response"])
    assert np.nanmean(half) == pytest.approx(
        np.nanmean(np.delete(counts, 5, 0)) / 2, rel=0.1
    )  # windows end within frames


def test_errors_come_with_a_predictive_interval(made, tmp_path):
    presentations, counts, _ = made
    rate = driven(counts, presentations, FRAMES)
    spikes = write_spikes(tmp_path / "s.parquet", rate, rate_low=rate * 0 + 1.0, rate_high=rate * 0 + 4.29)
    errors = stack(respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS)["response_error"])
    assert errors == pytest.approx(0.25**GROWTH, abs=0.01)  # one spike in a second, of which a window is a quarter


def test_the_tables_are_whole_and_the_same_each_time(made, tmp_path):
    presentations, _, spikes = made
    responses = respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS)
    bytes_of = []
    for name in ("a", "b"):
        table = judge(presentations, responses, PARAMETERS)
        write_table(tmp_path / name, Reliability, table, {})
        bytes_of.append((tmp_path / name).read_bytes())
    assert bytes_of[0] == bytes_of[1]
    assert table["oracle"][5] is None
    assert not table.filter(~pl.col("accepted"))["selected"].any()
    assert table["selected"].sum() > 10
    assert table["signal_partner"].is_in(table.filter("accepted")["roi"].to_list()).drop_nulls().all()
    assert (table.filter("accepted").tail(20)["tuning_p"] < 0.05).all()
    assert validate(Tuning, tune(presentations, responses, PARAMETERS)).height == 0


def test_the_oracle_of_the_spikes_is_known_where_the_accuracy_is(made, tmp_path):
    presentations, counts, _ = made
    rate = driven(counts, presentations, FRAMES)
    expected = pl.Series(np.where(np.arange(70) < 60, 0.7, np.nan), dtype=pl.Float32).fill_nan(None)
    spikes = write_spikes(tmp_path / "s.parquet", rate, expected_correlation=expected)
    responses = respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS)
    assert responses["expected_r2"].is_null().to_list() == [False] * 60 + [True] * 10
    table = validate(Reliability, judge(presentations, responses, PARAMETERS))
    assert table["oracle_corrected"][60:].is_null().all()
    known = table[:60].filter(pl.col("oracle") > 0.05)
    gain = (known["oracle_corrected"] / known["oracle"]).to_numpy()
    share = responses["expected_r2"][0]
    assert (gain > (1 / share) ** 0.5).all()
    assert (gain < 1.001 / share).all()
    assert (known["oracle_corrected_error"] > known["oracle_error"]).all()


def test_columns_of_the_users_own_are_kept_with_their_types(tmp_path):
    table = shown(4, 10).with_columns(
        contrast=pl.Series([0.2, 0.4, 0.6, 0.8, 1.0] * 8), eye=pl.lit("left"), lit=pl.lit(True)
    )
    table.write_parquet(tmp_path / "s.parquet")
    found = present(tmp_path / "s.parquet", frames_of(FRAMES), RATE, PARAMETERS)
    write_table(tmp_path / "out.parquet", presentations_table(found), found, {})
    read = pl.read_parquet(tmp_path / "out.parquet")
    assert read["contrast"].to_list() == table["contrast"].to_list()
    assert read.schema["eye"], read.schema["lit"] == (pl.String, pl.Boolean)
    assert set(validate(Presentations, found.drop("contrast", "eye", "lit")).columns) < set(read.columns)


def test_no_roi_gives_empty_tables_of_the_same_columns(made, tmp_path):
    presentations = made[0]
    spikes = write_spikes(tmp_path / "s.parquet", np.zeros((0, 0), np.float32), accepted=[])
    responses = respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS)
    for table, found in (
        (Responses, responses),
        (Reliability, judge(presentations, responses, PARAMETERS)),
        (Tuning, tune(presentations, responses, PARAMETERS)),
    ):
        assert validate(table, found).height == 0


def test_planes_that_are_imaged_later_have_later_frames(made):
    presentations, _, spikes = made
    acquisition = example_acquisition(FRAMES, 64, plane=1, planes=2)
    frames = on_the_clock(frames_of(FRAMES), acquisition)
    assert frames["time"][0] == pytest.approx(1 / 60)
    later = stack(respond(presentations, frames, spikes, RATE, PARAMETERS)["response"])
    shifted = presentations.with_columns(pl.col("start_time", "stop_time") - 1 / 60)
    same = stack(respond(shifted, frames_of(FRAMES), spikes, RATE, PARAMETERS)["response"])
    assert later == pytest.approx(same, nan_ok=True)


def test_few_usable_frames_are_said(made, tmp_path):
    presentations, counts, _ = made
    rate = driven(counts, presentations, FRAMES)
    rate[:, 1000:2000] = np.nan
    spikes = write_spikes(tmp_path / "s.parquet", rate)
    with noting() as heard, pytest.warns(UserWarning, match="of responses are missing"):
        respond(presentations, frames_of(FRAMES), spikes, RATE, PARAMETERS)
    assert [said.kind for said in heard] == ["no_response"]


def test_selection_is_by_both_percentiles_of_cells_alone():
    found = {"oracle": np.array([0.1, 0.2, 0.3, 0.4, 0.9]), "variance": np.array([5.0, 1, 4, 3, 9])}
    cells = np.array([True, True, True, True, False])
    rule = ResponseParameters(oracle_percentile=40, variance_percentile=50)
    assert selected(found, cells, rule).tolist() == [False, False, True, False, False]
    # Where no cell responds, the best of them is not selected.
    assert not selected(found | {"oracle": found["oracle"] - 1}, cells, rule).any()
