"""Scoring: the same input for every backend, nothing learnt from what is scored, what is left out is counted."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark import metrics
from groundtrace.benchmark.parameters import CONTROLS, BenchmarkParameters
from groundtrace.benchmark.shards import chosen_datasets, join_tables, read_timing, score_shard, write_timing
from groundtrace.benchmark.spikes import Condition, conditions, draw, measure, neurons, score
from groundtrace.benchmark.tables import SpikeBenchmark
from groundtrace.errors import BackendError, InputError
from groundtrace.groundtruth.recordings import Recording
from groundtrace.groundtruth.tables import GroundTruth
from groundtrace.indicators import indicators
from groundtrace.io import write_table
from groundtrace.simulation.activity import calcium_trace
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.counts import CountDistribution
from groundtrace.spikes.oasis import Oasis
from groundtrace.tables import validate
from groundtrace.traces.noise import noise_level
from tests.tables import example

SMALL = BenchmarkParameters(frame_rates=(15.0, 30.0), noise_levels=(2.0, 8.0), snrs=(2.0,), lookaheads=(0, 4))
ALONE = BenchmarkParameters(frame_rates=(30.0,), noise_levels=(2.0,), snrs=(), lookaheads=())
KEY = ["dataset", "neuron", "metric"]


@dataclass(frozen=True)
class Counted(SpikeRates):
    """Rates with a distribution of the spike count."""

    counts: CountDistribution | None = None


class Scaled(SpikeBackend):
    """dF/F as it is, times a number that it has learnt from some data sets; it works at 30 Hz alone."""

    backend: Literal["scaled"] = "scaled"
    factor: float = 1.0
    learnt: tuple[str, ...] = ()
    can_forget: bool = True
    lookahead: int | None = None

    def without(self, dataset: str) -> "Scaled":
        if not self.can_forget or dataset not in self.learnt:
            return self
        rest = tuple(name for name in self.learnt if name != dataset)
        return self.model_copy(update={"learnt": rest, "factor": 2.0})

    @property
    def trained_on(self) -> tuple[str, ...]:
        return self.learnt

    def run(self, dff, frame_rate, indicator):
        if frame_rate != 30:
            raise InputError("made for 30 Hz")
        rate = self.factor * np.maximum(dff, 0)
        rate[:, :10] = np.nan
        return SpikeRates(rate if indicator else 0 * rate, np.zeros(len(dff)), np.zeros(len(dff)))


def recording(dataset="A", neuron="1", number=0, *, noise=0.02, frame_rate=30.0, indicator="jGCaMP8m", seconds=60.0):
    random = np.random.default_rng([ord(dataset[0]), ord(neuron), number])
    frames = int(seconds * frame_rate)
    train = np.sort(random.uniform(0, seconds, int(seconds)))
    clean = calcium_trace(train, frames, frame_rate, indicators().get(indicator, indicators()["jGCaMP8m"]))
    dff = clean + noise * random.standard_normal(frames)
    return Recording(dataset, neuron, number, indicator, "excitatory", np.arange(frames) / frame_rate, dff, train)


@pytest.fixture
def recordings() -> list[Recording]:
    return [recording(dataset, neuron, k) for dataset in "AB" for neuron in "12" for k in (0, 1)]


def only(table: pl.DataFrame, **where) -> pl.DataFrame:
    return table.filter(*[pl.col(name) == value for name, value in where.items()])


def test_a_result_depends_on_neither_order_nor_company(recordings):
    whole = score(recordings, "oasis", Oasis(), SMALL).rows
    validate(SpikeBenchmark, whole)
    assert score(recordings[::-1], "oasis", Oasis(), SMALL).rows.equals(whole)
    part = score([r for r in recordings if r.dataset == "B"], "oasis", Oasis(), SMALL).rows
    assert part.equals(only(whole, dataset="B"))
    assert score(recordings, "same", Oasis(), SMALL).rows.drop("backend").equals(whole.drop("backend"))
    median = only(whole, metric="correlation", frame_rate=30, noise_level=2, indicator_told=True)["value"].median()
    assert median > 0.7


def test_every_backend_gets_the_same_traces_and_another_seed_other_ones(recordings):
    neuron = next(neurons(recordings, SMALL))
    first, again = (draw(neuron, Condition(30.0, 4.0), seed)[0] for seed in (0, 0))
    other, _ = draw(neuron, Condition(30.0, 4.0), 1)
    assert [s.dff.tobytes() for s in first] == [s.dff.tobytes() for s in again]
    assert not np.array_equal(first[0].dff, other[0].dff)
    assert not np.array_equal(first[0].dff, first[1].dff)


def test_a_backend_is_told_the_kinetics_of_the_species():
    for species, name in (("mouse", "GCaMP6f"), ("zebrafish", "GCaMP6f in Danio rerio")):
        (found,) = neurons([replace(recording(indicator="GCaMP6f"), species=species)], SMALL)
        assert found.indicator is indicators()[name]


def test_controls_are_floor_and_ceiling(recordings):
    table = score(recordings, "controls", None, ALONE).rows
    validate(SpikeBenchmark, table)
    assert set(table["backend"]) == set(CONTROLS)
    value = {
        (backend, metric): part["value"].to_numpy()
        for (backend, metric), part in table.group_by("backend", "metric", maintain_order=True)
    }
    assert value["zero", "correlation"] == pytest.approx(0)
    assert value["zero", "error"] == pytest.approx(1)
    assert value["zero", "bias"] == pytest.approx(-1)
    assert value["zero", "victor_purpura"] == pytest.approx(1)
    assert value["oracle", "correlation_as_given"] == pytest.approx(1)
    assert value["oracle", "count_ratio"] == pytest.approx(1)
    assert (value["oracle", "victor_purpura"] < 0.3).all()
    assert (np.abs(value["shuffled", "correlation"]) < 0.2).all()
    assert value["shuffled", "count_ratio"] == pytest.approx(1)
    assert ("dff", "error") not in value
    assert (value["dff", "correlation"] < value["oracle", "correlation"]).all()
    assert value["oracle", "spikes"] == pytest.approx(120)
    assert value["oracle", "duration"] == pytest.approx(120)


def test_a_neuron_alone_in_its_data_set_is_still_shuffled():
    table = score([recording()], "controls", None, ALONE).rows
    shuffled = only(table, backend="shuffled")
    assert abs(only(shuffled, metric="correlation")["value"].item()) < 0.2
    assert only(shuffled, metric="count_ratio")["value"].item() == pytest.approx(1)


def test_noisy_and_slow_recordings_are_left_out_and_counted():
    found = [recording(number=0), recording(number=1, noise=0.3), recording(number=2, frame_rate=14.0)]
    table = score(found, "controls", None, ALONE).rows
    counted = dict(only(table, backend="oracle").select("metric", "value").iter_rows())
    assert counted["recordings"] == 1
    assert counted["recordings_too_noisy"] == 1
    assert counted["recordings_too_slow"] == 1
    assert counted["duration"] == pytest.approx(60)
    gone = score(found[1:], "controls", None, ALONE).rows
    assert set(gone["metric"]) == {"recordings", "recordings_too_noisy", "recordings_too_slow", "spikes", "duration"}


def test_a_model_forgets_the_data_set_it_is_scored_on(recordings):
    learnt = Scaled(learnt=("A",))
    table = score(recordings, "scaled", learnt, ALONE).rows
    assert not table["in_sample"].any()
    plain = score(recordings, "scaled", Scaled(), ALONE).rows
    ratio = table.join(plain, on=[*KEY, "indicator_told"]).filter(metric="count_ratio", indicator_told=True)
    factor = (pl.col("value") / pl.col("value_right")).alias("factor")
    assert ratio.select("dataset", factor).unique().sort("dataset").rows() == [("A", 2.0), ("B", 1.0)]

    stubborn = score(recordings, "scaled", Scaled(learnt=("A",), can_forget=False), ALONE).rows
    assert dict(stubborn.select("dataset", "in_sample").unique().iter_rows()) == {"A": True, "B": False}


def test_a_cascade_model_says_what_it_has_learnt_from(test_data):
    folder = test_data / "cascade_model" / "Global_EXC_30Hz_smoothing25ms"
    if not folder.is_dir():
        pytest.skip("no CASCADE model in the test data")
    found = [recording("DS09-GCaMP6f-m-V1", seconds=20.0), recording("DS32-GCaMP8s-m-V1", seconds=20.0)]
    table = score(found, "cascade", Cascade(model=folder), ALONE).rows
    in_sample = dict(table.select("dataset", "in_sample").unique().iter_rows())
    assert in_sample == {"DS09-GCaMP6f-m-V1": True, "DS32-GCaMP8s-m-V1": False}


def test_a_condition_that_a_method_cannot_do_is_left_out_and_said(recordings):
    with pytest.warns(UserWarning, match="scaled leaves out .*frame_rate=15.0.*made for 30 Hz"):
        table = score(recordings[:1], "scaled", Scaled(), SMALL).rows
    assert set(table["frame_rate"]) == {30.0}
    with pytest.raises(InputError, match="made for 30 Hz"):
        score(recordings[:1], "scaled", Scaled(), SMALL.model_copy(update={"frame_rate": 15.0}))


def test_frames_without_a_rate_are_left_out_and_counted(recordings):
    table = score(recordings[:1], "scaled", Scaled(), ALONE).rows
    assert only(table, metric="share_without_rate")["value"].to_list() == pytest.approx([10 / 1800] * 2)
    neuron = next(neurons(recordings[:1], ALONE))
    samples, _ = draw(neuron, Condition(30.0, 2.0), 0)
    nothing = SpikeRates(np.full((1, 1800), np.nan), np.zeros(1), np.zeros(1))
    values = measure(samples, [nothing], Condition(30.0, 2.0), rate_in_hz=True)
    assert values["share_without_rate"] == 1
    assert "correlation" not in values


class Fragile(Scaled):
    """Gives up on one of the recordings."""

    def run(self, dff, frame_rate, indicator):
        if dff.shape[1] == 1500:
            raise BackendError("no answer for 1500 frames")
        return super().run(dff, frame_rate, indicator)


def test_a_trace_that_a_method_fails_on_is_counted_and_stops_nothing():
    found = [recording(number=0), recording(number=1, seconds=50.0)]
    with pytest.warns(UserWarning, match="no answer for 1500 frames"):
        table = score(found, "fragile", Fragile(), ALONE).rows
    share = only(table, metric="share_without_rate", indicator_told=True)["value"].item()
    assert share == pytest.approx(1510 / 3300)
    assert only(table, metric="correlation", indicator_told=True)["value"].item() > 0.3


def test_an_unknown_indicator_and_one_that_is_not_told(recordings):
    table = score([recording(indicator="XCaMP-Gf")], "oasis", Oasis(), ALONE).rows
    assert only(table, metric="correlation")["value"].n_unique() == 1
    told = score(recordings, "oasis", Oasis(), ALONE).rows
    r = only(told, metric="correlation").group_by("indicator_told").agg(pl.col("value").median())
    assert dict(r.iter_rows())[True] > dict(r.iter_rows())[False]
    untold = only(score(recordings, "scaled", Scaled(), ALONE).rows, indicator_told=False, metric="count_ratio")
    assert untold["value"].to_list() == [0.0] * 4


def test_conditions_are_a_star_of_sweeps():
    assert Condition(30.0, 2.0, spike_times=True) == conditions(SMALL, "oasis", Oasis())[0]
    found = conditions(SMALL, "scaled", Scaled())
    assert sum(c.lookahead is not None for c in found) == 2
    assert not any(c.lookahead is not None for c in conditions(SMALL, "oasis", Oasis()))
    assert len(set(found)) == len(found)
    only_board = SMALL.model_copy(update={"no_sweeps": ("oasis",)})
    assert len(conditions(only_board, "oasis", Oasis())) == 2
    assert all(c.told for c in conditions(SMALL, "controls", None))


def test_snr_sets_the_noise_by_the_indicator(recordings):
    neuron = next(neurons([recording(noise=1e-3)], SMALL))
    samples, _ = draw(neuron, Condition(30.0, 2.0, snr=2.0), 0)
    level = Condition(30.0, 2.0, snr=2.0).level(neuron.indicator)
    assert noise_level(samples[0].dff[None], 30.0)[0] == pytest.approx(level, rel=0.01)
    assert np.diff(samples[0].dff).std() == pytest.approx(np.sqrt(2) * neuron.indicator.amplitude / 2, rel=0.25)


def test_recordings_are_cut_to_the_time_allowed_and_neurons_to_their_number(recordings):
    few = SMALL.model_copy(update={"max_seconds": 75.0, "neurons_per_dataset": 1})
    found = list(neurons(recordings, few))
    assert [n.recordings[0].dataset for n in found] == ["A", "B"]
    assert [len(r.time) for r in found[0].recordings] == pytest.approx([1800, 450], abs=2)
    again = [n.recordings[0].neuron for n in neurons(recordings[::-1], few)]
    assert again == [n.recordings[0].neuron for n in found]


def test_coverage_comes_from_the_counts_of_a_backend(recordings):
    neuron = next(neurons(recordings[:1], ALONE))
    samples, _ = draw(neuron, Condition(30.0, 2.0), 0)
    shape = (1, len(samples[0].time))
    # One spike a second, drawn evenly: the counts are very nearly Poisson, and this is near it.
    spread = np.full(shape, 0.44)
    like_poisson = CountDistribution(np.ones(shape), np.full(shape, 0.23), spread, np.zeros(shape), spread)
    rates = Counted(np.ones(shape), np.zeros(1), np.zeros(1), counts=like_poisson)
    values = measure(samples, [rates], Condition(30.0, 2.0), rate_in_hz=True)
    for level in metrics.LEVELS:
        assert values[f"coverage_{level}"] == pytest.approx(level / 100, abs=0.12)
        assert values[f"interval_score_{level}"] >= values[f"width_{level}"]
    assert values["width_50"] < values["width_95"]
    assert values["crps"] == pytest.approx(values["crps_poisson"], rel=0.1)
    assert values["crps_climatology"] <= values["crps_poisson"]


def test_parts_make_up_the_whole(recordings, tmp_path):
    names = ("dataset", "neuron", "recording", "indicator", "cell_class", "frame_rate", "time", "dff")
    given = {name: [getattr(r, name) for r in recordings] for name in names}
    given |= {"spike_times": [r.spike_time for r in recordings], "plausible": [r.recording == 0 for r in recordings]}
    truth = tmp_path / "ground_truth.parquet"
    write_table(truth, GroundTruth, example(GroundTruth, **given, regular=True), {})
    single = [replace(r, dff=r.dff.astype(np.float32)) for r in recordings if r.recording == 0]
    whole = score(single, "oasis", Oasis(), ALONE).rows
    parameters = ALONE.model_copy(update={"parts": 3})
    files = []
    for shard in (2, 0, 1):
        result = score_shard(truth, shard, "oasis", Oasis(), parameters)
        files.append(tmp_path / f"{shard}.parquet")
        write_table(files[-1], SpikeBenchmark, result.rows, {})
        write_timing(tmp_path / f"{shard}.tsv", result.timing)
        assert read_timing(tmp_path / f"{shard}.tsv").height == result.timing.height
    assert join_tables(files).equals(whole)

    assert chosen_datasets(truth, parameters.model_copy(update={"datasets": ("B",)})) == ["B"]
    with pytest.raises(InputError, match=r"no data set of .* starts with 'C'; it has A, B"):
        chosen_datasets(truth, parameters.model_copy(update={"datasets": ("C",)}))
