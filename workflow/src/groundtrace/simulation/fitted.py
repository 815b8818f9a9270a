"""Cells of a convolutional network that was fitted to real neurons: a truth that was real.

The file of weights is that of the public repository sinzlab/sensorium (MIT; Willeke et al. 2022): a core of four
layers, and for each neuron a place in the last one and weights of its channels. What the file leaves open was
reconstructed and not checked against responses: its depth-separable convolutions have no biases, and the place of a
neuron follows from that in cortex by a linear map, ELU, a linear map and tanh. So these are cells of a network, not
neurons.
"""

import pickle
import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.simulation.parameters import FITTED_SHAPE
from groundtrace.simulation.stimulus import GREY

LAYERS = 4
BATCH = 64
"""Images that are looked at together."""
WANTED = "wanted are the weights of sinzlab/sensorium's convolutional network (sensorium_sota_model.pth)"


class FittedNetwork:
    """Responses of the neurons of a file of weights; images are pixel values from 0 to 1, of 36 × 64 px."""

    def __init__(self, path: Path, contrast: float):
        """contrast: RMS contrast of the set of images, which the network sees standardised."""
        self.contrast = contrast
        self._state = read_weights(path)
        self._features = self._readout("_features")[0, :, 0]
        self._bias = self._readout("bias")
        place = functional.linear(self._readout("source_grid"), *self._linear(0))
        self._place = torch.tanh(functional.linear(functional.elu(place), *self._linear(2)))

    @property
    def count(self) -> int:
        """Neurons."""
        return len(self._bias)

    def places(self, neurons: IntArray) -> FloatArray:
        """(n_neurons, 2) y and x, px of the image: the middle of what each reads of the last layer."""
        edge = (self._layer(0, "conv.weight").shape[-1] - 1) / 2
        size = np.array(FITTED_SHAPE) - 1
        place = self._place[torch.from_numpy(neurons)].numpy()[:, ::-1].astype(np.float64)
        return edge + (place + 1) / 2 * (size - 2 * edge)

    def layers(self, images: Tensor) -> list[Tensor]:
        """Feature maps (n, channels, y, x) of each layer, after ELU."""
        x, found = ((images - GREY) / self.contrast)[:, None], []
        for k in range(LAYERS):
            if k == 0:
                x = functional.conv2d(x, self._layer(k, "conv.weight"))
            else:
                spatial = self._layer(k, "ds_conv.spatial_conv.weight")
                x = functional.conv2d(x, self._layer(k, "ds_conv.in_depth_conv.weight"))
                x = functional.conv2d(x, spatial, padding=spatial.shape[-1] // 2, groups=len(spatial))
                x = functional.conv2d(x, self._layer(k, "ds_conv.out_depth_conv.weight"))
            mean, variance = (self._layer(k, f"norm.running_{name}") for name in ("mean", "var"))
            weight, bias = (self._layer(k, f"norm.{name}") for name in ("weight", "bias"))
            x = functional.elu(functional.batch_norm(x, mean, variance, weight, bias))
            found.append(x)
        return found

    def response(self, images: Tensor, neurons: IntArray) -> Tensor:
        """(n, n_neurons), differentiable, to images (n, Y, X); of any unit, and never negative."""
        rows = torch.from_numpy(np.asarray(neurons, np.int64))
        grid = self._place[rows].expand(len(images), 1, -1, -1)
        read = functional.grid_sample(self.layers(images)[-1], grid, align_corners=True)[:, :, 0]
        return functional.elu((read * self._features[:, rows]).sum(1) + self._bias[rows]) + 1

    def drive(self, images: FloatArray, neurons: IntArray) -> FloatArray:
        """(n_neurons, n_images) of images (n_images, Y, X)."""
        # Sums of several threads come in any order.
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.no_grad():
                parts = torch.from_numpy(np.ascontiguousarray(images, np.float32)).split(BATCH)
                return torch.cat([self.response(part, neurons) for part in parts]).T.numpy().astype(np.float64)
        finally:
            torch.set_num_threads(before)

    def _layer(self, number: int, name: str) -> Tensor:
        return self._state[f"core.features.layer{number}.{name}"]

    def _readout(self, name: str) -> Tensor:
        return self._state[f"readout.{name}"]

    def _linear(self, number: int) -> tuple[Tensor, Tensor]:
        return self._readout(f"mu_transform.{number}.weight"), self._readout(f"mu_transform.{number}.bias")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights by name, those of the readout without the name of their animal."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        found = {re.sub(r"^readout\.[^.]+\.", "readout.", name): value for name, value in state.items()}
        first, features = found["core.features.layer0.conv.weight"], found["readout._features"]
    except (pickle.UnpicklingError, RuntimeError, AttributeError, LookupError, EOFError) as error:
        raise InputError(f"{str(path)!r} is no such network; {WANTED}") from error
    if first.shape[1:2] != (1,) or features.shape[1] != len(first):
        raise InputError(f"{str(path)!r}: layers have {len(first)} channels, the readout {features.shape[1]}; {WANTED}")
    return found
