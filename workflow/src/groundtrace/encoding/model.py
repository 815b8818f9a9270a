"""The network: images to the responses of all cells of a session."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from groundtrace.arrays import FloatArray
from groundtrace.encoding.base import EncodingModel, device
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.pixels import Reader

LAPLACE = torch.tensor([[0.25, 0.5, 0.25], [0.5, -3.0, 0.5], [0.25, 0.5, 0.25]])
BLUR = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
SPREAD = 0.1
"""Standard deviation of a place that the Gaussian readout starts with, in halves of the image."""


class Core(nn.Module):
    """Standardised images (n, y, x) to the feature maps of all layers, each (n, channels, y / pool, x / pool).

    Every layer is a convolution, batch norm and ELU; the first is pooled after it, the others add what they were given.
    """

    def __init__(self, shape: EncodingNetwork):
        super().__init__()
        self.pool = shape.pool
        sizes = [(1, shape.first_kernel)] + [(shape.channels, shape.hidden_kernel)] * (shape.layers - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width, shape.channels, kernel, padding="same", bias=False) for width, kernel in sizes
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(shape.channels) for _ in sizes)

    @property
    def layers(self) -> list[nn.Conv2d]:
        return [layer for layer in self.convolutions if isinstance(layer, nn.Conv2d)]

    def forward(self, images: Tensor) -> list[Tensor]:
        x, found = images[:, None], []
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            y = functional.elu(norm(convolution(x)))
            x = x + y if found else functional.avg_pool2d(y, self.pool)
            found.append(x)
        return found

    def roughness(self) -> Tensor:
        """Energy of the Laplacian of the first kernels, over that of the kernels."""
        kernels = self.layers[0].weight
        curved = functional.conv2d(kernels, LAPLACE.to(kernels)[None, None], padding=1)
        return ((curved**2).sum((1, 2, 3)) / (kernels**2).sum((1, 2, 3)).clamp(min=1e-8)).mean()

    def groups(self) -> Tensor:
        """Mean norm of hidden kernels, one for each pair of channels."""
        norms = [(layer.weight**2).sum((2, 3)).clamp(min=1e-12).sqrt().mean() for layer in self.layers[1:]]
        return torch.stack(norms).sum() if norms else torch.zeros((), device=self.layers[0].weight.device)


class Readout(nn.Module):
    """Feature maps (n, channels, y, x) to drives (n, n_cells): weights of each cell at its own place."""

    def __init__(self, channels: int, levels: int, cells: int, gaussian: bool):
        super().__init__()
        self.levels = levels
        self.place = nn.Parameter(torch.zeros(cells, 2))
        """x and y, before tanh: -1 and 1 are the borders of the image."""
        self.spread = nn.Parameter(torch.full((cells, 2, 1), SPREAD) * torch.eye(2)) if gaussian else None
        self.weight = nn.Parameter(torch.zeros(cells, channels * levels))
        self.bias = nn.Parameter(torch.zeros(cells))

    @torch.no_grad()
    def start_at(self, places: Tensor) -> None:
        """Places x and y (n_cells, 2), -1 and 1 at the borders; NaN leaves a cell where it is."""
        known = torch.isfinite(places).all(1)
        self.place[known] = places[known].clamp(-0.95, 0.95).atanh()

    def forward(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        """noise: (n, n_cells, 2) standard normal, of the places of a Gaussian readout."""
        place = self.place.tanh().expand(len(maps), -1, -1)
        if self.spread is not None and noise is not None:
            place = (place + torch.einsum("cab,ncb->nca", self.spread, noise)).clamp(-1, 1)
        read = [self._at(level, place) for level in pyramid(maps, self.levels)]
        return torch.einsum("nkc,ck->nc", torch.cat(read, 1), self.weight) + self.bias

    @staticmethod
    def _at(maps: Tensor, place: Tensor) -> Tensor:
        """(n, channels, n_cells)"""
        return functional.grid_sample(maps, place[:, None], align_corners=False, padding_mode="border")[:, :, 0]


def pyramid(maps: Tensor, levels: int) -> list[Tensor]:
    """Laplacian pyramid of feature maps: what each blur takes away, and what is left at the end."""
    found = []
    for _ in range(levels - 1):
        if min(maps.shape[2:]) < 4:
            break
        low = functional.avg_pool2d(_blurred(maps), 2)
        found.append(maps - functional.interpolate(low, size=maps.shape[2:], mode="bilinear", align_corners=False))
        maps = low
    found.append(maps)
    # Small maps have fewer levels; the rest are the last again.
    return found + [maps] * (levels - len(found))


def _blurred(maps: Tensor) -> Tensor:
    channels, kernel = maps.shape[1], BLUR.to(maps)
    for shape, pad in (((1, 1, 5, 1), (0, 0, 2, 2)), ((1, 1, 1, 5), (2, 2, 0, 0))):
        weight = kernel.view(shape).expand(channels, -1, -1, -1)
        maps = functional.conv2d(functional.pad(maps, pad, mode="replicate"), weight, groups=channels)
    return maps


class Network(nn.Module, EncodingModel):
    """One member of the ensemble."""

    base: Tensor
    scale: Tensor

    def __init__(self, shape: EncodingNetwork, reader: Reader, base: FloatArray, scale: FloatArray):
        super().__init__()
        self.shape, self.reader, self.core = shape, reader, Core(shape)
        gaussian = shape.readout == "gaussian"
        levels = 1 if gaussian else shape.levels
        self.readout = Readout(shape.channels * shape.layers, levels, len(base), gaussian)
        for name, value in (("base", base), ("scale", scale)):
            self.register_buffer(name, torch.from_numpy(value).float())

    def initialise(self, generator: torch.Generator) -> "Network":
        """Random weights of one's own, so that members can be made in threads."""
        with torch.no_grad():
            for layer in self.core.layers:
                fan = math.prod(layer.weight.shape[1:])
                layer.weight.normal_(0, math.sqrt(1 / fan), generator=generator)
            self.readout.place.normal_(0, 0.1, generator=generator)
            self.readout.weight.normal_(0, 0.02, generator=generator)
        return self.to(device())

    def rate(self, small: Tensor, noise: Tensor | None = None) -> Tensor:
        """(n, n_cells) above `base` and in units of `scale`, of standardised images."""
        return functional.elu(self.readout(torch.cat(self.core(small), 1), noise)) + 1

    def response(self, image_batch: Tensor) -> Tensor:
        return self.base + self.scale * self.rate(self.reader(image_batch))

    def layers(self, images: FloatArray) -> list[FloatArray]:
        """Feature maps (n_images, channels, y, x) of each layer."""
        with torch.no_grad():
            found = self.core(self.reader(torch.from_numpy(np.asarray(images, np.float32)).to(device())))
        return [maps.cpu().numpy() for maps in found]

    def penalty(self) -> Tensor:
        shape = self.shape
        own = self.readout.weight.abs().sum(1).mean() * shape.readout_sparsity
        return shape.smoothness * self.core.roughness() + shape.sparsity * self.core.groups() + own

    def kept(self) -> Mapping[str, Tensor]:
        """Copy of all weights."""
        return {name: value.clone() for name, value in self.state_dict().items()}
