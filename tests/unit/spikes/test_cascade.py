"""CASCADE's dense evaluation against the sliding window, and what a model folder must be."""

import os
import pickle
import shutil

import numpy as np
import pytest
import torch

from groundtrace.errors import InputError
from groundtrace.spikes.cascade import CHUNK, Architecture, Cascade, read_architecture
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE
from tests.unit.spikes.cascade_windows import load, spikes_per_frame

RATE = 30.0


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def folder(test_data):
    path = test_data / "cascade_model" / "Global_EXC_30Hz_smoothing25ms"
    if not path.is_dir():
        pytest.skip("no CASCADE model here")
    return path


@pytest.fixture
def copy(folder, tmp_path):
    """The model with its lowest noise level only, to be spoilt."""
    for path in [folder / "config.yaml", *folder.glob("Model_NoiseLevel_2_*.pth")]:
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def noisy(level: float, frames: int, seed: int = 0) -> np.ndarray:
    """dF/F with transients and white noise of ν = `level`."""
    generator = np.random.default_rng(seed)
    calcium = np.convolve(generator.poisson(0.03, frames), 0.3 * np.exp(-np.arange(60) / 10))[:frames]
    sd = level / 100 / GAUSSIAN_DIFFERENCE * np.sqrt(RATE)
    return (calcium + generator.normal(0, sd, frames)).astype(np.float32)


def test_dense_evaluation_equals_the_sliding_window(folder):
    # Longer than a piece, so that seams between pieces are in it.
    trace = noisy(2.0, CHUNK + 500)
    rate = Cascade(model=folder).run(trace[None], RATE, None).rate[0]
    windows = np.maximum(spikes_per_frame(trace, load(folder, 2)), 0)
    assert windows.max() > 0.1
    assert np.abs(rate[32:-31] / RATE - windows).max() < 1e-6


def test_the_ends_are_those_of_the_reflected_recording(folder):
    trace = noisy(2.0, 300)
    rate = Cascade(model=folder).run(trace[None], RATE, None).rate[0]
    windows = spikes_per_frame(np.pad(trace, (32, 31), mode="reflect"), load(folder, 2))
    assert np.abs(rate / RATE - np.maximum(windows, 0)).max() < 1e-6


@pytest.mark.parametrize(("level", "nearest"), [(1.0, 2), (3.2, 3), (4.8, 5), (15.0, 9)])
def test_each_neuron_gets_the_models_of_its_noise_level(folder, level, nearest):
    trace = np.random.default_rng(1).normal(0, level / 100 / GAUSSIAN_DIFFERENCE * np.sqrt(RATE), 4000)
    rate = Cascade(model=folder).run(trace[None].astype(np.float32), RATE, None).rate[0]
    windows = np.maximum(spikes_per_frame(trace, load(folder, nearest)), 0)
    assert np.abs(rate[32:-31] / RATE - windows).max() < 1e-6


@pytest.mark.parametrize("frames", [1, 5, 40])
def test_recordings_shorter_than_a_window_are_answered(folder, frames):
    found = Cascade(model=folder).run(noisy(2.0, 40)[None, :frames], RATE, None)
    assert np.isfinite(found.rate).all() or frames == 1


@pytest.mark.parametrize("rate", [15.0, 28.0, 32.0])
def test_another_frame_rate_is_refused_naming_both(folder, rate):
    with pytest.raises(InputError, match=f"for 30 Hz, dF/F has {rate:g} Hz"):
        Cascade(model=folder).run(noisy(2.0, 100)[None], rate, None)


def test_a_frame_rate_within_five_per_cent_scales_the_rate(folder):
    trace = noisy(2.0, 100)[None]
    at_30, at_31 = (Cascade(model=folder).run(trace, rate, None).rate for rate in (30.0, 31.0))
    assert at_31 == pytest.approx(at_30 * 31 / 30, rel=1e-5)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("written_by", ["torch", "pickle"])
def test_a_model_file_cannot_run_code(copy, written_by):
    victim, file = copy / "was_here", copy / "Model_NoiseLevel_2_Ensemble_3.pth"
    state = {**torch.load(file, weights_only=True), "conv1.bias": Trap(victim)}
    if written_by == "torch":
        torch.save(state, file)
    else:
        file.write_bytes(pickle.dumps(state))
    with pytest.raises(InputError, match=r"Ensemble_3\.pth: not read.*could run code"):
        Cascade(model=copy).run(noisy(2.0, 100)[None], RATE, None)
    assert not victim.exists()
    # The trap is a real one.
    pickle.loads(pickle.dumps(Trap(victim)))
    assert victim.exists()


def test_a_damaged_file_is_named(copy):
    file = copy / "Model_NoiseLevel_2_Ensemble_1.pth"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"Ensemble_1\.pth: not read"):
        Cascade(model=copy).run(noisy(2.0, 100)[None], RATE, None)


def test_weights_of_another_shape_say_what_is_wanted(copy):
    file = copy / "Model_NoiseLevel_2_Ensemble_0.pth"
    state = torch.load(file, weights_only=True)
    torch.save({**state, "conv2.weight": torch.zeros(40, 30, 9)}, file)
    with pytest.raises(InputError, match=r"conv2\.weight has shape \(40, 30, 9\), wanted \(40, 30, 19\)"):
        Cascade(model=copy).run(noisy(2.0, 100)[None], RATE, None)
    torch.save([1, 2], file)
    with pytest.raises(InputError, match=r"Ensemble_0\.pth: not the weights"):
        Cascade(model=copy).run(noisy(2.0, 100)[None], RATE, None)


def test_missing_files_are_told_by_name(copy, tmp_path_factory):
    trace = noisy(2.0, 100)[None]
    (copy / "Model_NoiseLevel_2_Ensemble_4.pth").unlink()
    with pytest.raises(InputError, match=r"4 files Model_NoiseLevel_2_.*ensemble_size: 5"):
        Cascade(model=copy).run(trace, RATE, None)
    for file in copy.glob("*.pth"):
        file.unlink()
    with pytest.raises(InputError, match="holds no file Model_NoiseLevel"):
        Cascade(model=copy).run(trace, RATE, None)
    with pytest.raises(InputError, match=r"config\.yaml: cannot be read"):
        Cascade(model=tmp_path_factory.mktemp("empty")).run(trace, RATE, None)


def test_a_wrong_config_names_the_key(copy):
    config = copy / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace("sampling_rate: 30 ", "sampling_rate: fast "))
    with pytest.raises(InputError, match=r"config\.yaml: .*sampling_rate"):
        read_architecture(copy)
    config.write_text(text.replace("windowsize: 64", "windowsize: 50"))
    with pytest.raises(InputError, match="windowsize 50 is too short"):
        read_architecture(copy)
    config.write_text("a: !!python/object/apply:os.getcwd []")
    with pytest.raises(InputError, match="not plain YAML"):
        read_architecture(copy)


def test_other_window_sizes_see_what_their_layers_see():
    common = {"sampling_rate": 7.5, "before_frac": 0.5, "filter_numbers": (3, 4, 5), "dense_expansion": 2}
    for size, steps, seen in ((64, 2, 64), (66, 2, 64), (68, 3, 68), (60, 1, 60)):
        found = Architecture(windowsize=size, filter_sizes=(31, 19, 5), ensemble_size=1, **common)
        assert (found.steps, found.seen) == (steps, seen)
