"""The spike network as users get it: calibrated, honest about what it has seen, and safe."""

import shutil

import numpy as np
import pytest

import groundtrace
from groundtrace.errors import InputError
from groundtrace.groundtruth.resampling import match_noise
from groundtrace.indicators import indicators
from groundtrace.spikes.network.backend import MAX_LOOKAHEAD, Network
from groundtrace.spikes.network.features import Response
from groundtrace.spikes.network.model import load
from groundtrace.training.synthetic import synthesise

RATE = 30.0


def synthetic(cells: int = 24, seconds: float = 120.0):
    """dF/F of simulated neurons with random kinetics, their spikes per frame, and what is told of each."""
    random = np.random.default_rng(3)
    made = []
    while len(made) < cells:
        rate = np.exp(random.normal(np.log(0.7), 0.8))
        starts = np.sort(random.uniform(0, seconds, random.poisson(rate * seconds / 2)))
        spikes = np.sort(np.repeat(starts, random.geometric(0.5, len(starts))) + 0.0)
        found = synthesise(spikes + random.normal(0, 0.02, len(spikes)), seconds, RATE, random)
        if found is not None and found.spikes.sum() > 5:
            made.append(found)
    return made


def indicator_of(response: Response):
    if not response.told:
        return None
    values = {"decay_time": response.decay_time, "rise_time": response.rise_time, "amplitude": response.amplitude}
    return indicators()["GCaMP6f"].model_copy(update=values)


def test_intervals_cover_the_spikes_of_simulated_neurons():
    covered = []
    for cell in synthetic():
        found = Network().run_with_counts(cell.dff[None].astype(np.float32), RATE, indicator_of(cell.response))
        middle = np.arange(15, len(cell.spikes) - 15, 30)
        counts = np.array([cell.spikes[m - 15 : m + 15].sum() for m in middle])
        at = found.counts[0, middle]
        covered.append([at.coverage(counts, level).mean() for level in (0.5, 0.8, 0.95)])
    # They are as wide as real neurons need, which differ from what a network is told in more ways than simulated ones.
    excess = np.mean(covered, axis=0) - [0.5, 0.8, 0.95]
    assert excess.min() > -0.03
    assert excess.max() < 0.15


def test_the_interval_is_that_of_the_distribution_and_holds_the_mean():
    cell = synthetic(1)[0]
    found = Network().run_with_counts(cell.dff[None].astype(np.float32), RATE, None)
    low, high = found.counts.interval(0.9)
    # Quantiles are interpolated on a grid, so a count may be off by one where it lies on a step.
    assert (np.abs(found.low - low) <= 1).all()
    assert (np.abs(found.high - high) <= np.maximum(1, 0.03 * high)).all()
    assert (found.low != low).mean() < 0.05
    assert (found.high != high).mean() < 0.05
    plain = Network().run(cell.dff[None].astype(np.float32), RATE, None)
    assert plain.counts is None
    np.testing.assert_array_equal(plain.high, found.high)


def test_a_cell_that_never_fires_has_hardly_any_rate_and_an_interval_from_none():
    random = np.random.default_rng(5)
    noise = random.normal(0, 0.1, (8, 1800)).astype(np.float32)
    found = Network().run(noise, RATE, indicators()["GCaMP6s"])
    assert np.median(found.rate.mean(axis=1)) < 0.03
    assert found.mean_rate.low == pytest.approx(0, abs=0.01)
    # One clear transient, and nothing is taken away.
    noise[0, 900:] += 1.5 * np.exp(-np.arange(900) / 30 / 0.6)
    active = Network().run(noise[:1], RATE, indicators()["GCaMP6s"])
    unchanged = Network(lookahead=MAX_LOOKAHEAD).run(noise[:1], RATE, indicators()["GCaMP6s"])
    assert active.rate.sum() / RATE > 2
    assert active.rate.sum() == pytest.approx(unchanged.rate.sum(), rel=0.5)


def test_more_noise_lowers_the_accuracy_to_expect_and_widens_it_nowhere_beyond_one():
    random = np.random.default_rng(0)
    spikes = random.poisson(0.7 / RATE, 3000)
    kinetics = indicators()["GCaMP6s"]
    decay = np.exp(-np.arange(90) / RATE / kinetics.decay_time)
    clean = np.convolve(spikes, 2 * kinetics.amplitude * decay)[:3000]
    expected = []
    for level in (1.0, 3.0, 9.0):
        noisy = match_noise(clean, RATE, level, random)
        expected.append(Network().run(noisy[None].astype(np.float32), RATE, kinetics).expected)
    values = [float(e.value[0]) for e in expected]
    assert values[0] > values[1] > values[2]
    assert all(-1 < e.low[0] < e.value[0] < e.high[0] < 1 for e in expected)


@pytest.mark.parametrize("lookahead", [None, 0, 16])
def test_weights_without_a_data_set_have_not_seen_it(lookahead):
    network = Network(lookahead=lookahead)
    seen = network.trained_on
    assert len(seen) > 20
    for dataset in seen:
        unseen = network.without(dataset)
        assert unseen.weights != "all"
        assert dataset not in unseen.trained_on
    assert network.without("somebody else's") == network


def test_every_released_file_is_small_and_calibrated():
    files = Network().files()
    assert sum(path.stat().st_size for path in files) < 5e6
    for path in files:
        assert set(load(path).calibration) == {"counts", "correlation", "mean_rate", "learnt"}


@pytest.mark.parametrize("frame_rate", [7.5, RATE])
def test_a_trace_is_as_unlike_others_online(frame_rate):
    dff = np.random.default_rng(0).normal(0, 0.05, (1, 600)).astype(np.float32)
    offline, online = (Network(lookahead=frames).run(dff, frame_rate, None).unlike for frames in (None, 4))
    assert online == pytest.approx(offline)
    assert offline > 0


def test_a_folder_without_weights_is_refused(tmp_path):
    dff = np.random.default_rng(0).normal(0, 0.05, (1, 300)).astype(np.float32)
    with pytest.raises(InputError, match="snakemake train"):
        Network(model=tmp_path / "nowhere").run(dff, RATE, None)
    with pytest.raises(InputError, match="snakemake train"):
        Network(model=tmp_path).run(dff, RATE, None)


def test_a_malicious_file_in_the_folder_is_refused(tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(Network().folder, folder)
    (folder / "all.safetensors").write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    dff = np.random.default_rng(0).normal(0, 0.05, (1, 300)).astype(np.float32)
    with pytest.raises(InputError, match="not the weights"):
        Network(model=folder).run(dff, RATE, None)


def test_users_without_the_pipeline_get_rates_intervals_and_accuracy(tmp_path):
    cells = synthetic(3)
    frames = min(len(cell.dff) for cell in cells)
    dff = np.stack([cell.dff[:frames] for cell in cells]).astype(np.float32)
    found = groundtrace.infer_spikes(dff, frame_rate=RATE, indicator=None)
    assert (found.low <= found.high).all()
    assert ((found.expected_correlation > 0) & (found.expected_correlation < 1)).all()
    np.save(tmp_path / "dff.npy", dff)
    mapped = groundtrace.infer_spikes(np.load(tmp_path / "dff.npy", mmap_mode="r"), RATE, out=tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out/rate.npy"), found.rate)
    np.testing.assert_array_equal(mapped.high, found.high)
