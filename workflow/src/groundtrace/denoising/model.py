"""The denoising network: a frame from those around it, never from itself, and how far off that may be."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from groundtrace.denoising.files import WEIGHTS
from groundtrace.errors import InputError

LAGS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 8), (9, 16))
"""Frames before, and after, whose means are read."""
REACH = LAGS[-1][1]
"""Frames to each side that a prediction depends on."""
IMAGES = 2
"""Images of the whole movie: mean and excess deviation."""
BLOCK = 2
"""px; side of the blocks of pixels that the network works on: a quarter of the places, four times the channels."""


@dataclass(frozen=True)
class Shape:
    """Size of a network."""

    channels: int = 32
    layers: int = 4
    images: bool = True
    """It sees mean and excess deviation of the movie."""

    @property
    def margin(self) -> int:
        """px beyond its place that a prediction depends on; a multiple of BLOCK."""
        return BLOCK * (self.layers + 1)


class DenoisingNetwork(nn.Module):
    """Channels (n, 2 len(LAGS) + IMAGES, Y, X) to mean and logarithm of the variance, (n, 2, Y, X).

    All in units of the noise: deviation from the mean image over the standard deviation of a pixel's noise. Y and X are
    multiples of BLOCK.
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        inputs, width = (2 * len(LAGS) + IMAGES) * BLOCK**2, shape.channels
        self.first = nn.Conv2d(inputs, width, 3, padding=1, padding_mode="replicate")
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate") for _ in range(shape.layers)
        )
        self.last = nn.Conv2d(width, 2 * BLOCK**2, 1)
        # To begin with: the mean image, and little doubt.
        nn.init.zeros_(self.last.weight)
        with torch.no_grad():
            self.last.bias.zero_()  # pyright: ignore[reportOptionalMemberAccess]
            self.last.bias[BLOCK**2 :] = -3.0  # pyright: ignore[reportOptionalSubscript]

    def forward(self, channels: Tensor) -> Tensor:
        if not self.shape.images:
            channels = torch.cat([channels[:, :-IMAGES], torch.zeros_like(channels[:, -IMAGES:])], dim=1)
        x = functional.relu(self.first(functional.pixel_unshuffle(channels, BLOCK)))
        for layer in self.layers:
            x = x + functional.relu(layer(x))
        return functional.pixel_shuffle(self.last(x), BLOCK)


def describe(members: Sequence[DenoisingNetwork]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Weights of all members by name, and what is needed to use them again."""
    weights = {
        f"{k}.{name}": tensor.cpu().contiguous().numpy()
        for k, member in enumerate(members)
        for name, tensor in member.state_dict().items()
    }
    return weights, {"shape": asdict(members[0].shape), "members": len(members)}


def load(path: Path | str) -> list[DenoisingNetwork]:
    """The members of a file of weights that the rule `denoise` wrote."""
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})[WEIGHTS])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        members = [
            DenoisingNetwork(Shape(**about["shape"])).eval().requires_grad_(False) for _ in range(about["members"])
        ]
        for k, member in enumerate(members):
            own = {n.removeprefix(f"{k}."): tensor for n, tensor in tensors.items() if n.startswith(f"{k}.")}
            member.load_state_dict(own)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not the weights of a denoising network ({error}); run the rule `denoise`") from None
    return members
