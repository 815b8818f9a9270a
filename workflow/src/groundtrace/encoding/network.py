"""A convolutional core that all cells share, and a place and weights for each cell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from groundtrace.arrays import FloatArray
from groundtrace.encoding.base import EncodingBackend, EncodingModel, Trials

if TYPE_CHECKING:
    from torch import Tensor


class EncodingNetwork(EncodingBackend):
    """A stacked convolutional network, trained on the cells of the session alone, from several seeds."""

    backend: Literal["network"] = "network"
    readout: Literal["pyramid", "gaussian"] = "pyramid"
    """What a cell reads at its place: a Laplacian pyramid of all feature maps (Walker et al. 2019), or the maps
    themselves with a place that is drawn from a Gaussian during training (Lurz et al. 2021)."""
    channels: int = Field(default=24, ge=2, le=256)
    """Of each layer."""
    layers: int = Field(default=3, ge=1, le=8)
    """Number of convolutions."""
    first_kernel: int = Field(default=9, ge=3, le=31)
    """px, of the first."""
    hidden_kernel: int = Field(default=3, ge=1, le=15)
    """px after pooling, of the others."""
    pool: int = Field(default=2, ge=1, le=8)
    """px that are averaged after the first."""
    levels: int = Field(default=3, ge=1, le=6)
    """Of the pyramid."""
    smoothness: float = Field(default=0.1, ge=0)
    """Weight of the Laplacian of the first kernels."""
    sparsity: float = Field(default=0.01, ge=0)
    """Weight of the norms of hidden kernels."""
    readout_sparsity: float = Field(default=0.01, ge=0)
    """Weight of the absolute values of a cell's weights."""
    members: int = Field(default=3, ge=1, le=20)
    """Networks that are trained from different seeds and averaged."""
    steps: PositiveInt = 1500
    """At most, of 32 images each; training stops when images that are not learnt from gain nothing."""
    learning_rate: PositiveFloat = 5e-3
    """Of Adam, at the start."""

    def fit_means(self, images: FloatArray, trials: Trials, seed: int) -> "Ensemble":
        from groundtrace.encoding.training import train

        return Ensemble([train(self, images, trials, seed, member) for member in range(self.members)])


class Ensemble(EncodingModel):
    """The mean of several models."""

    def __init__(self, members: Sequence[EncodingModel]):
        self._members = tuple(members)

    @property
    def members(self) -> Sequence[EncodingModel]:
        return self._members

    def response(self, image_batch: "Tensor") -> "Tensor":
        import torch

        return torch.stack([member.response(image_batch) for member in self._members]).mean(0)
