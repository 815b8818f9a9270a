"""CASCADE's convolutional networks (Rupprecht et al. 2021), run from the user's own model folder, without windows."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import yaml
from pydantic import BaseModel, PositiveFloat, PositiveInt, ValidationError

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.indicators import Indicator
from groundtrace.needs import Need
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.traces.noise import noise_level

if TYPE_CHECKING:
    import torch

    Member = dict[str, torch.Tensor]

MODEL_FILE = re.compile(r"Model_NoiseLevel_(\d+)_Ensemble_(\d+)\.pth")
CHUNK = 2048
"""Frames evaluated at once: few enough for the processor's cache."""
BLOCK = 128
"""Frames of one Fourier transform in the convolution with the longest work."""
RATE_TOLERANCE = 0.05
"""Largest share by which the recording's frame rate may differ from the model's."""


class Architecture(BaseModel):
    """The keys of a model folder's `config.yaml` that decide how the network is evaluated; others are not read."""

    sampling_rate: PositiveFloat
    """Hz."""
    windowsize: PositiveInt
    """Frames that one prediction sees."""
    before_frac: float
    """Share of the window before the predicted frame."""
    filter_sizes: tuple[PositiveInt, PositiveInt, PositiveInt]
    filter_numbers: tuple[PositiveInt, PositiveInt, PositiveInt]
    dense_expansion: PositiveInt
    ensemble_size: PositiveInt
    training_datasets: tuple[str, ...] = ()
    """Ground truth that the model has learnt from; for benchmarks."""

    @property
    def steps(self) -> int:
        """Time steps that are left of a window after convolutions and pooling by 2, twice."""
        first, second, third = self.filter_sizes
        return ((self.windowsize - first - second + 2) // 2 - third + 1) // 2

    @property
    def seen(self) -> int:
        """Frames of the window that the last layer sees; fewer than `windowsize` where pooling drops an odd one."""
        first, second, third = self.filter_sizes
        return first + second + 2 * third + 4 * (self.steps - 1)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor of the state dict."""
        one, two, three = self.filter_numbers
        layers = {
            "conv1": (one, 1, self.filter_sizes[0]),
            "conv2": (two, one, self.filter_sizes[1]),
            "conv3": (three, two, self.filter_sizes[2]),
            "dense1": (self.dense_expansion, three),
            "dense2": (1, self.steps * self.dense_expansion),
        }
        return {
            f"{layer}.{part}": shape if part == "weight" else shape[:1]
            for layer, shape in layers.items()
            for part in ("weight", "bias")
        }


class Cascade(SpikeBackend):
    """A pretrained CASCADE model: the ensemble of the noise level nearest to each ROI's, averaged, in Hz.

    The network predicts spikes per frame from a window of 64 frames; frame t is given the window [t - 32, t + 32).
    Beyond the ends of the recording dF/F is reflected, so the first and last 32 frames hold values, less certain ones,
    and not NaN. The model works at one frame rate and knows no indicator: amplitudes are what it learnt from its
    training data. Files are read as weights only and cannot run code.
    """

    environment: ClassVar[str] = "network"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "torch")
    need: ClassVar[Need] = Need(980, trace=3.7, seconds=7, trace_seconds=1)

    backend: Literal["cascade"] = "cascade"
    model: Path
    """Model folder: `config.yaml` and `Model_NoiseLevel_<ν>_Ensemble_<k>.pth`."""

    def files(self) -> tuple[Path, ...]:
        return tuple(sorted(path for path in self.model.glob("*") if path.suffix in (".pth", ".yaml")))

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Data sets that the model has learnt from, by its own account."""
        return read_architecture(self.model).training_datasets

    def run(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        architecture = read_architecture(self.model)
        if abs(frame_rate / architecture.sampling_rate - 1) > RATE_TOLERANCE:
            raise InputError(
                f"{self.model}: this model is for {architecture.sampling_rate:g} Hz, dF/F has {frame_rate:g} Hz; "
                "take a CASCADE model of that rate, or the method 'network'"
            )
        files = model_files(self.model, architecture)
        available = np.array(sorted(files))
        usable = np.flatnonzero(np.isfinite(dff).all(axis=1)) if dff.size else np.arange(0)
        levels = noise_level(dff[usable], frame_rate)
        nearest = available[np.abs(available - levels[:, None]).argmin(axis=1)]
        rate = np.full(dff.shape, np.nan, np.float32)
        for level in np.unique(nearest):
            members = [read_member(path, architecture) for path in files[int(level)]]
            for roi in usable[nearest == level]:
                rate[roi] = predict(dff[roi], members, architecture) * frame_rate
        unknown = np.full(len(dff), np.nan, np.float32)
        return SpikeRates(rate, unknown, unknown)


def read_architecture(folder: Path) -> Architecture:
    """Parse a model folder's `config.yaml`."""
    path = folder / "config.yaml"
    try:
        architecture = Architecture.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a CASCADE model folder holds it") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not plain YAML ({error})") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise InputError(f"{path}: not the config.yaml of a CASCADE model: {faults}") from error
    if architecture.steps < 1:
        raise InputError(
            f"{path}: windowsize {architecture.windowsize} is too short for filter_sizes {architecture.filter_sizes}"
        )
    return architecture


def model_files(folder: Path, architecture: Architecture) -> dict[int, list[Path]]:
    """Weight files of a model folder by noise level, each level with its whole ensemble."""
    found: dict[int, list[Path]] = {}
    for path in sorted(folder.glob("*.pth")):
        if match := MODEL_FILE.fullmatch(path.name):
            found.setdefault(int(match[1]), []).append(path)
    if not found:
        raise InputError(
            f"{folder}: holds no file Model_NoiseLevel_<ν>_Ensemble_<k>.pth; weights of TensorFlow (.h5) are not read"
        )
    for level, paths in found.items():
        if len(paths) != architecture.ensemble_size:
            raise InputError(
                f"{folder}: {len(paths)} files Model_NoiseLevel_{level}_Ensemble_<k>.pth, "
                f"config.yaml says ensemble_size: {architecture.ensemble_size}; download the model again"
            )
    return found


def read_member(path: Path, architecture: Architecture) -> "Member":
    """Weights of one network; InputError when the file is no plain state dict of that architecture."""
    import torch

    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path}: not read, for it is damaged or holds more than weights, which could run code; "
            f"get the model from its authors again ({type(error).__name__})"
        ) from error
    wanted = architecture.shapes
    given = {str(name): tuple(getattr(value, "shape", ())) for name, value in state.items()} if _is_dict(state) else {}
    if given != wanted:
        wrong = sorted(name for name in wanted | given if wanted.get(name) != given.get(name))
        raise InputError(
            f"{path}: not the weights that config.yaml describes: "
            + "; ".join(f"{n} has shape {given.get(n, 'none')}, wanted {wanted.get(n, 'none')}" for n in wrong[:3])
        )
    member = {name: value.to(torch.float32) for name, value in state.items()}
    # Networks correlate, products of spectra convolve: hence the conjugate. (frequencies, out, in)
    spectrum = torch.fft.rfft(member["conv2.weight"], BLOCK).conj()
    member["conv2.weight"] = spectrum.permute(2, 0, 1).resolve_conj().contiguous()
    member["dense1.weight"] = member["dense1.weight"][:, :, None]
    # (1, steps × units), time first, to the kernel of a convolution: (1, units, steps).
    head = member["dense2.weight"].reshape(1, architecture.steps, architecture.dense_expansion)
    member["dense2.weight"] = head.transpose(1, 2).contiguous()
    return member


def _is_dict(state: Any) -> bool:
    return isinstance(state, dict) and all(hasattr(value, "shape") for value in state.values())


def predict(trace: FloatArray, members: list["Member"], architecture: Architecture) -> FloatArray:
    """Spikes per frame (n_frames,) of one trace, average over the ensemble, not below zero; ends reflected."""
    import torch

    before = round(architecture.before_frac * architecture.windowsize)
    frames = len(trace)
    padded = np.pad(np.asarray(trace, np.float32), (before, architecture.seen - 1 - before), mode="reflect")
    result = np.empty(frames, np.float32)
    with torch.inference_mode():
        for start in range(0, frames, CHUNK):
            stop = min(start + CHUNK, frames)
            piece = torch.from_numpy(padded[start : stop + architecture.seen - 1])[None]
            result[start:stop] = (
                torch.stack([_evaluate(piece, member, architecture) for member in members]).mean(dim=0).numpy()
            )
    return np.maximum(result, 0)


def _evaluate(piece: "torch.Tensor", member: "Member", architecture: Architecture) -> "torch.Tensor":
    """Output for each window of `piece` (1, n_frames): the network with every stride replaced by a dilation.

    Pooling by 2 of every window at once is the larger of two neighbours at every frame; what follows then looks at
    every second frame, after the second pooling at every fourth.
    """
    import torch
    from torch.nn.functional import conv1d

    x = conv1d(piece, member["conv1.weight"], member["conv1.bias"]).relu_()
    x = (
        _by_spectrum(x, member["conv2.weight"], architecture.filter_sizes[1])
        .add_(member["conv2.bias"][:, None])
        .relu_()
    )
    x = torch.maximum(x[:, :-1], x[:, 1:])
    x = conv1d(x, member["conv3.weight"], member["conv3.bias"], dilation=2).relu_()
    x = torch.maximum(x[:, :-2], x[:, 2:])
    x = conv1d(x, member["dense1.weight"], member["dense1.bias"]).relu_()
    return conv1d(x, member["dense2.weight"], member["dense2.bias"], dilation=4)[0]


def _by_spectrum(x: "torch.Tensor", spectrum: "torch.Tensor", size: int) -> "torch.Tensor":
    """Correlate `x` (in, n_frames) with kernels of `size` frames, given their spectrum: (out, n_frames - size + 1).

    Overlap-save: of each block of BLOCK frames the first BLOCK - size + 1 results are those of the direct sum. Half
    of CASCADE's time goes into this one convolution (19 frames, 30 channels to 40), which becomes twice as fast.
    """
    import torch
    from torch.nn.functional import pad

    step, length = BLOCK - size + 1, x.shape[1] - size + 1
    blocks = -(-length // step)
    padded = pad(x, (0, blocks * step + size - 1 - x.shape[1]))
    spectra = torch.fft.rfft(padded.unfold(1, BLOCK, step)).permute(2, 0, 1).contiguous()
    products = torch.matmul(spectrum, spectra).permute(1, 2, 0).contiguous()
    return torch.fft.irfft(products, BLOCK)[..., :step].reshape(len(products), -1)[:, :length]
