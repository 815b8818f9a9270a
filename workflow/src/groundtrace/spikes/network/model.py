"""The network: dF/F of one recording to its spike rate and to how many spikes each second may hold.

Dilated convolutions in time, every layer scaled and shifted by a description of the recording (FiLM, Perez et al.
2018). It is convolutional from end to end, so no window is computed twice and the ends of a recording have rates too.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from groundtrace.errors import InputError
from groundtrace.io import atomic

KEY = "groundtrace"
CHUNK = 4096
"""Frames computed at once: activations stay in the processor's cache."""


@dataclass(frozen=True)
class Shape:
    """Size of a network."""

    inputs: int
    """Channels read from dF/F."""
    context: int
    """Numbers that describe the recording."""
    causal: bool
    """Frame t depends on frames up to t only; what it may know of later ones is in its inputs."""
    channels: int = 48
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 8, 2)

    @property
    def reach(self) -> tuple[int, int]:
        """Frames before and after t that the output at t depends on."""
        total = 4 + 2 * sum(self.dilations)
        return (total, 0) if self.causal else (total // 2, total // 2)


class SpikeNetwork(nn.Module):
    """Channels (n, inputs, n_frames) and context (n, context) to rate, size and zero, each (n, n_frames).

    rate: expected spikes per second. size and zero: with the mean of rate over 1 s, the zero-inflated negative binomial
    distribution of the number of spikes in the second around each frame (`CountDistribution`).
    """

    center: Tensor
    """(context,) that is subtracted from the description."""
    scale: Tensor
    """(context,) that it is divided by."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        width, layers = shape.channels, len(shape.dilations) + 1
        self.register_buffer("center", torch.zeros(shape.context))
        self.register_buffer("scale", torch.ones(shape.context))
        modulation = nn.Linear(64, 2 * width * layers)
        self.first = nn.Conv1d(shape.inputs, width, 5)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, dilation=d) for d in shape.dilations)
        self.film = nn.Sequential(nn.Linear(shape.context, 64), nn.ReLU(), modulation)
        self.last = nn.Conv1d(width, 3, 1)
        with torch.no_grad():
            modulation.weight.mul_(0.1)
            modulation.bias.zero_()
            self.last.bias.copy_(torch.tensor([0.0, 0.0, -3.0]))  # pyright: ignore[reportOptionalMemberAccess]

    def forward(self, channels: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        film = self._film(context)
        x = channels
        for k, convolution in enumerate(self._convolutions()):
            before, after = self._padding(k)
            y = convolution(functional.pad(x, (before, after)))
            y = torch.relu(y * (1 + film[:, k, 0]) + film[:, k, 1])
            x = x + y if k else y
        return _outputs(self.last(x))

    def _convolutions(self) -> list[nn.Module]:
        return [self.first, *self.layers]

    def _film(self, context: Tensor) -> Tensor:
        """Scale and shift (n, layers, 2, channels, 1) of each layer for recordings (n, context)."""
        described = ((context - self.center) / self.scale).clamp(-4, 4)
        return self.film(described).view(len(context), -1, 2, self.shape.channels, 1)

    def _padding(self, layer: int) -> tuple[int, int]:
        """Frames added before and after, so that a layer keeps length and, unless causal, time."""
        span = 2 * self.shape.dilations[layer - 1] if layer else 4
        return (span, 0) if self.shape.causal else (span // 2, span // 2)

    def for_recording(self, context: Tensor) -> Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]:
        """`forward` for one recording, in two thirds of the time: scales and shifts become part of the weights, and the
        channels of a frame lie side by side in memory."""
        film = self._film(context[None])[0]
        layers = []
        for k, convolution in enumerate(self._convolutions()):
            scale, shift = 1 + film[k, 0], film[k, 1, :, 0]
            weight, bias = (convolution.get_parameter(name) for name in ("weight", "bias"))
            layers.append((_side_by_side(weight * scale[:, None]), bias * scale[:, 0] + shift))
        last = _side_by_side(self.last.weight), self.last.bias

        def run(channels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            x = _side_by_side(channels)
            for k, (weight, bias) in enumerate(layers):
                dilation = self.shape.dilations[k - 1] if k else 1
                before, after = self._padding(k)
                padded, missing = (x, before) if before == after else (functional.pad(x, (before, after)), 0)
                y = functional.conv2d(padded, weight, bias, dilation=(1, dilation), padding=(0, missing)).relu_()
                x = x.add_(y) if k else y
            return _outputs(functional.conv2d(x, *last)[:, :, 0])

        return run


def _side_by_side(x: Tensor) -> Tensor:
    """(n, channels, n_frames) as (n, channels, 1, n_frames), the channels next to each other in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _outputs(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    rate, size, zero = x.unbind(1)
    return functional.softplus(rate), torch.exp(size.clamp(-4, 5)), torch.sigmoid(zero.clamp(-9, 6))


@dataclass(frozen=True)
class Checkpoint:
    """Networks that are averaged, and what is known of them."""

    members: list[SpikeNetwork]
    trained_on: tuple[str, ...]
    """Ground-truth data sets."""
    left_out: tuple[str, ...] = ()
    """Data sets of the ground truth that it has not seen."""
    calibration: dict[str, Any] = field(default_factory=dict)
    """Measured on data sets that a network had not seen; see `assessment`."""


def save(path: Path | str, checkpoint: Checkpoint) -> None:
    """Write weights (half precision) and what is known of them as one safetensors file."""
    tensors = {
        f"{k}.{name}": tensor.half() if tensor.is_floating_point() else tensor
        for k, member in enumerate(checkpoint.members)
        for name, tensor in member.state_dict().items()
    }
    about = {
        "shape": checkpoint.members[0].shape.__dict__,
        "members": len(checkpoint.members),
        "trained_on": checkpoint.trained_on,
        "left_out": checkpoint.left_out,
        "calibration": checkpoint.calibration,
    }
    with atomic(path) as temporary:
        save_file(tensors, temporary, {KEY: json.dumps(about, sort_keys=True)})


def load(path: Path | str, device: str = "cpu") -> Checkpoint:
    """Read what `save` wrote; safetensors files hold numbers only and cannot run code."""
    try:
        with safe_open(path, "pt", device=device) as file:
            about = json.loads((file.metadata() or {})[KEY])
            names = list(file.keys())
            tensors = {name: file.get_tensor(name).float() for name in names}
        size = about["shape"] | {"dilations": tuple(about["shape"]["dilations"])}
        members = [SpikeNetwork(Shape(**size)).to(device).eval().requires_grad_(False) for _ in range(about["members"])]
        for k, member in enumerate(members):
            prefix = f"{k}."
            member.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; weights are made by `snakemake train`") from None
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path}: not the weights of a groundtrace network ({error}); make them with `snakemake train`"
        ) from None
    return Checkpoint(members, tuple(about["trained_on"]), tuple(about["left_out"]), about["calibration"])


@torch.no_grad()
def predict(
    members: Sequence[SpikeNetwork], channels: Tensor, context: Tensor, chunk: int = CHUNK
) -> tuple[Tensor, Tensor, Tensor]:
    """Average rate, size and zero, each (n_frames,), of one recording: channels (inputs, n_frames), context (context,).

    Long recordings are computed in overlapping chunks: memory does not grow with length, and results do not change.
    """
    before, after = members[0].shape.reach
    frames = channels.shape[1]
    networks = [member.for_recording(context) for member in members]
    parts = []
    for start in range(0, frames, chunk):
        low, high = max(start - before, 0), min(start + chunk + after, frames)
        found = [network(channels[None, :, low:high]) for network in networks]
        rate, size, zero = (torch.stack([each[k][0] for each in found]) for k in range(3))
        inside = slice(start - low, start - low + min(chunk, frames - start))
        parts.append((rate.mean(0)[inside], 1 / (1 / size).mean(0)[inside], zero.mean(0)[inside]))
    rate, size, zero = (torch.cat([part[k] for part in parts]) for k in range(3))
    return rate, size, zero
