"""Training: reproducible, blind to what is left out, and it learns."""

import numpy as np
import pytest
import torch
from scipy.stats import nbinom

from groundtrace.groundtruth.recordings import Recording
from groundtrace.indicators import indicators
from groundtrace.spikes.comparing import mean_over_window
from groundtrace.spikes.network.features import CHANNELS, unit_response
from groundtrace.training.examples import Examples, make_examples
from groundtrace.training.parameters import TrainingParameters
from groundtrace.training.training import log_probability, train, train_checkpoint, window_sum

SMALL = TrainingParameters(rounds=1, steps=12, online_steps=12, batch=4, window=256, folds=3, together=(("A1", "A2"),))
RATE = 30.0


def recordings() -> list[Recording]:
    random = np.random.default_rng(0)
    found = []
    for dataset in ("A1-x", "A2-x", "B-x", "C-x"):
        for neuron in ("n1", "n2"):
            time = 5 + np.arange(1200) / RATE
            spikes = np.sort(random.uniform(0, 46, 40))
            kinetics = indicators()["GCaMP6f"]
            kernel = kinetics.amplitude * unit_response(kinetics.decay_time, kinetics.rise_time, RATE)
            counts = np.histogram(spikes, np.append(time, time[-1] + 1 / RATE) - 0.5 / RATE)[0]
            dff = np.convolve(counts, kernel)[:1200] + random.normal(0, 0.02, 1200)
            found.append(Recording(dataset, neuron, 1, "GCaMP6f", "excitatory", time, dff, spikes))
    return found


@pytest.fixture(scope="module")
def examples() -> Examples:
    return make_examples(recordings(), SMALL, online=False)


def test_examples_are_the_same_for_the_same_seed_and_survive_their_file(examples, tmp_path):
    again = make_examples(recordings(), SMALL, online=False)
    assert np.array_equal(again.channels, examples.channels)
    assert np.array_equal(again.context, examples.context)
    examples.save(tmp_path / "examples.npz")
    found = Examples.load(tmp_path / "examples.npz")
    assert np.array_equal(found.spikes, examples.spikes)
    assert found.neuron == examples.neuron
    assert examples.channels.shape == (CHANNELS, examples.start[-1])
    assert set(examples.synthetic) == {False, True}
    other = make_examples(recordings(), SMALL.model_copy(update={"seed": 1}), online=False)
    assert other.channels.shape != examples.channels.shape or not np.array_equal(other.channels, examples.channels)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(examples):
    torch.set_num_threads(1)
    first, again, other = (train(examples, set(), SMALL, seed, causal=False) for seed in (0, 0, 1))
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert not torch.equal(first.last.weight, other.last.weight)


def test_what_is_left_out_cannot_be_learnt(examples):
    changed = Examples(**{**examples.__dict__, "channels": examples.channels.copy()})
    for k, dataset in enumerate(examples.dataset):
        if dataset == "B-x":
            changed.channels[:, examples.start[k] : examples.start[k + 1]] = 1
    with_b, without_b = (train(e, {"B-x"}, SMALL, 0, causal=False).last.weight for e in (examples, changed))
    assert torch.equal(with_b, without_b)
    assert not torch.equal(with_b, train(changed, set(), SMALL, 0, causal=False).last.weight)


def test_data_sets_of_one_release_are_left_out_together_and_every_one_is_once():
    names = ["A1-x", "A2-x", "B-x", "C-x"]
    folds = [SMALL.left_out(f"without-{k}", names) for k in range(3)]
    assert folds == [("A1-x", "A2-x"), ("B-x",), ("C-x",)]
    assert SMALL.left_out("all", names) == ()


def test_a_checkpoint_says_what_it_has_seen(examples):
    made = train_checkpoint(examples, "without-0", 0, False, SMALL)
    assert made.left_out == ("A1-x", "A2-x")
    assert made.trained_on == ("B-x", "C-x")


def test_training_lowers_the_loss(examples):
    seen = []
    longer = SMALL.model_copy(update={"steps": 400, "batch": 8})
    train(examples, set(), longer, 0, False, lambda step, losses: seen.append(losses.sum()))
    assert seen[1] < 0.9 * seen[0]


def test_the_loss_is_that_of_a_negative_binomial_with_excess_zeros():
    random = np.random.default_rng(0)
    expected, size, zero = random.gamma(2, 1, 50), random.gamma(2, 1, 50) + 0.1, random.uniform(0.01, 0.6, 50)
    counts = random.integers(0, 9, 50).astype(float)
    tensors = [torch.from_numpy(x) for x in (counts, expected, size, zero)]
    mean = (expected + 1e-4) / (1 - zero)
    known = (1 - zero) * nbinom.pmf(counts, size, size / (size + mean)) + zero * (counts == 0)
    np.testing.assert_allclose(log_probability(*tensors).exp().numpy(), known, atol=1e-9)


@pytest.mark.parametrize("frame_rate", [5.0, 7.5, 30.0])
def test_training_and_inference_count_in_the_same_window(frame_rate):
    rate = np.random.default_rng(0).gamma(1, 1, 200).astype(np.float32)
    frames = 2 * round(frame_rate / 2) + 1
    summed = window_sum(torch.from_numpy(rate)[None], torch.tensor([frame_rate]))[0].numpy()
    inside = slice(frames, -frames)
    np.testing.assert_allclose(mean_over_window(rate, frame_rate)[inside], summed[inside] / frames, rtol=1e-4)
