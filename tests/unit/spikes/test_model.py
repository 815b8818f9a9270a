"""The network itself: ends, chunks, causality, and files that cannot harm."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from groundtrace.errors import InputError
from groundtrace.spikes.network.features import CHANNELS
from groundtrace.spikes.network.model import Checkpoint, Shape, SpikeNetwork, load, predict, save

CONTEXT = 7


def network(causal: bool = False) -> SpikeNetwork:
    torch.manual_seed(0)
    return SpikeNetwork(Shape(CHANNELS, CONTEXT, causal, channels=8)).eval().requires_grad_(False)


def inputs(frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(CHANNELS, frames, generator=generator), torch.randn(CONTEXT, generator=generator)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("frames", [1, 50, 1000])
def test_chunks_change_nothing_and_every_frame_has_a_rate(causal, frames):
    channels, context = inputs(frames)
    members = [network(causal), network(causal)]
    whole = predict(members, channels, context, chunk=10_000)
    pieces = predict(members, channels, context, chunk=64)
    for a, b in zip(whole, pieces, strict=True):
        assert a.shape == (frames,)
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    assert (whole[0] >= 0).all()
    assert (whole[1] > 0).all()
    assert ((whole[2] > 0) & (whole[2] < 1)).all()


@pytest.mark.parametrize("causal", [False, True])
def test_inference_and_training_compute_the_same(causal):
    made = network(causal)
    channels, context = inputs(300)
    with torch.no_grad():
        trained, inferred = made(channels[None], context[None]), made.for_recording(context)(channels[None])
    for a, b in zip(trained, inferred, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_an_output_depends_on_no_frame_beyond_the_reach(causal):
    made = network(causal)
    channels, context = inputs(600)
    changed = channels.clone()
    changed[:, 300] += 10
    difference = (predict([made], channels, context)[0] - predict([made], changed, context)[0]).abs()
    before, after = made.shape.reach
    touched = torch.nonzero(difference > 0).flatten()
    assert touched.min() >= 300 - after
    assert touched.max() <= 300 + before
    assert difference[300] > 0


def test_a_file_gives_back_what_was_saved(tmp_path):
    checkpoint = Checkpoint([network(), network()], ("DS03",), ("DS09",), {"counts": {"added": 0.5}})
    save(tmp_path / "a.safetensors", checkpoint)
    found = load(tmp_path / "a.safetensors")
    assert (found.trained_on, found.left_out, found.calibration) == (("DS03",), ("DS09",), {"counts": {"added": 0.5}})
    channels, context = inputs(200)
    a, b = (predict(c.members, channels, context)[0] for c in (checkpoint, found))
    # Weights are stored in half precision.
    torch.testing.assert_close(a, b, atol=5e-3, rtol=5e-3)


class Trap:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("kind", ["pickle", "torch", "text", "other weights", "missing"])
def test_a_file_that_is_no_network_is_refused_and_runs_no_code(tmp_path, kind):
    trap, path = tmp_path / "ran", tmp_path / "model.safetensors"
    match kind:
        case "pickle":
            path.write_bytes(pickle.dumps(Trap(trap)))
        case "torch":
            torch.save({"first.weight": Trap(trap)}, path)
        case "text":
            path.write_text("not a model")
        case "other weights":
            save_file({"weight": torch.zeros(3)}, path, {"groundtrace": "{}"})
    with pytest.raises(InputError, match="snakemake train"):
        load(path)
    assert not trap.exists()


def test_weights_of_another_shape_are_refused(tmp_path):
    made = network()
    save(tmp_path / "a.safetensors", Checkpoint([made], ()))
    lying = Shape(CHANNELS, CONTEXT, False, channels=9)
    made.shape = lying
    save(tmp_path / "b.safetensors", Checkpoint([made], ()))
    assert load(tmp_path / "a.safetensors").members[0].last.weight.isfinite().all()
    with pytest.raises(InputError, match="not the weights"):
        load(tmp_path / "b.safetensors")
