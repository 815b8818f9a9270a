"""What a network has learnt: how its units share what they tell, layer by layer."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform
from torch import Tensor

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.encoding.base import EncodingModel, device
from groundtrace.encoding.model import Network
from groundtrace.random import stream

OBSERVATIONS = 20_000
"""Places in images that statistics of a layer are taken over, at most."""
DEAD = 1e-3
"""A channel is dead if it varies less than this, relative to the median channel."""
GROUPS = 10
"""Groups of images of the jackknife."""
IMAGE_GROUPS = 4
"""Groups that images are clustered into."""
STATISTICS = ("correlation", "participation", "slope", "population_hoyer", "lifetime_hoyer", "population_sparseness",
              "lifetime_sparseness", "kurtosis", "rotated_kurtosis")  # fmt: skip


def observations(maps: FloatArray, seed: int = 0) -> tuple[FloatArray, IntArray]:
    """(n, channels) values of feature maps (n_images, channels, y, x) at places in all images, evenly many of each, and
    the image (n,) of each."""
    images, channels = maps.shape[:2]
    flat = maps.reshape(images, channels, -1)
    some = max(1, min(flat.shape[2], OBSERVATIONS // images))
    places = np.random.default_rng(seed).permutation(flat.shape[2])[:some]
    return flat[:, :, places].transpose(0, 2, 1).reshape(-1, channels), np.repeat(np.arange(images), some)


def statistics(values: FloatArray, floor: float = 0.0) -> dict[str, float]:
    """Statistics of units, from values (n, units); dead units do not count. floor: the least value that they can have.

    correlation: mean |Pearson r| between units. participation: (Σ λ)² / Σ λ² of the eigenvalues λ of their covariance.
    slope: of log λ over the log of its rank. Sparseness, of values above the floor, of a unit over images (lifetime)
    and of an image over units (population): Hoyer's, and Treves and Rolls' as 1 - (mean)² / mean square.
    kurtosis: excess, mean over units; rotated_kurtosis: of as many random directions.
    """
    alive = ~dead(values)
    values = values[:, alive].astype(np.float64)
    off = values - values.mean(axis=0)
    scaled = off / np.maximum(off.std(axis=0), 1e-12)
    units = values.shape[1]
    if units < 2:
        return dict.fromkeys(STATISTICS, np.nan)
    r = scaled.T @ scaled / len(values)
    eigen = np.linalg.eigvalsh(off.T @ off / len(values))[::-1]
    above = np.maximum(values - floor, 0)
    rotation = np.linalg.qr(stream(0, "rotation").standard_normal((units, units)))[0]
    return {
        "correlation": float(np.abs(r[~np.eye(units, dtype=bool)]).mean()),
        "participation": float(eigen.sum() ** 2 / (eigen**2).sum()),
        "slope": _slope(eigen),
        "population_hoyer": float(hoyer(above).mean()),
        "lifetime_hoyer": float(hoyer(above.T).mean()),
        "population_sparseness": float(treves_rolls(above).mean()),
        "lifetime_sparseness": float(treves_rolls(above.T).mean()),
        "kurtosis": _kurtosis(scaled),
        "rotated_kurtosis": _kurtosis(scaled @ rotation),
    }


def with_errors(values: FloatArray, image: IntArray, floor: float = 0.0) -> dict[str, tuple[float, float]]:
    """`statistics` and their standard errors, of a jackknife over groups of images (n,)."""
    found = statistics(values, floor)
    group = np.random.default_rng(0).permutation(image.max() + 1)[image] % GROUPS
    left = [statistics(values[group != k], floor) for k in range(GROUPS)]
    parts = {name: np.array([part[name] for part in left]) for name in found}
    scale = (GROUPS - 1) / GROUPS
    return {name: (found[name], float(np.sqrt(scale * ((p - p.mean()) ** 2).sum()))) for name, p in parts.items()}


def dead(values: FloatArray) -> BoolArray:
    """(units,) true where a unit says nothing."""
    spread = values.std(axis=0)
    return spread <= DEAD * np.median(spread)


def hoyer(values: FloatArray) -> FloatArray:
    """Hoyer's sparseness (n,) of values (n, m) that are not negative: 0 if all are alike, 1 if one is alone."""
    root = np.sqrt(values.shape[1])
    ratio = values.sum(axis=1) / np.maximum(np.linalg.norm(values, axis=1), 1e-12)
    return np.where(values.any(axis=1), (root - ratio) / (root - 1), 0)


def treves_rolls(values: FloatArray) -> FloatArray:
    """Sparseness (n,) of values (n, m) by Treves and Rolls, 1 - (mean)² / mean square, scaled to end at 1."""
    square = np.maximum((values**2).mean(axis=1), 1e-24)
    return np.where(values.any(axis=1), (1 - values.mean(axis=1) ** 2 / square) / (1 - 1 / values.shape[1]), 0)


def _slope(eigen: FloatArray) -> float:
    """Of eigenvalues from the second to half of them, where they are more than rounding."""
    rank = np.arange(1, len(eigen) + 1)
    some = (rank >= 2) & (rank <= max(4, len(eigen) // 2)) & (eigen > 1e-9 * eigen[0])
    return float(np.polyfit(np.log(rank[some]), np.log(eigen[some]), 1)[0]) if some.sum() >= 2 else np.nan


def _kurtosis(scaled: FloatArray) -> float:
    scaled = scaled / np.maximum(scaled.std(axis=0), 1e-12)
    return float((scaled**4).mean() - 3)


@dataclass(frozen=True)
class Grams:
    """Gram matrices of the feature maps of images: which channels are active together, wherever that is."""

    mean: FloatArray
    """(channels, channels) correlation of channels over places and images, ordered by clustering."""
    distance: FloatArray
    """(n_images, n_images) between the Gram matrices of two images, relative to the mean; ordered by clustering."""
    order: IntArray
    """(n_images,) images in that order."""
    group: IntArray
    """(n_images,) group of each image, in that order."""
    separation: float
    """Mean distance between groups over that inside groups; 1 where groups mean nothing."""


def grams(maps: FloatArray, by: FloatArray) -> Grams:
    """Gram matrices of feature maps (n_images, channels, y, x); images are grouped by their features `by` (n_images,
    m), so that layers can be compared by the same groups."""
    flat = maps.reshape(*maps.shape[:2], -1).astype(np.float64)
    flat = flat[:, ~dead(flat.transpose(0, 2, 1).reshape(-1, flat.shape[1]))]
    off = flat - flat.mean(axis=(0, 2), keepdims=True)
    each = off @ off.transpose(0, 2, 1) / flat.shape[2]
    spread = np.sqrt(np.maximum(np.diag(each.mean(axis=0)), 1e-12))
    mean = each.mean(axis=0) / np.outer(spread, spread)
    order = _ordered(mean)
    vectors = (each / np.outer(spread, spread)).reshape(len(maps), -1)
    squares = (vectors**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0))
    tree = linkage(by, "ward")
    rows, group = leaves_list(tree), fcluster(tree, IMAGE_GROUPS, "maxclust")
    same = group[:, None] == group
    other = ~np.eye(len(maps), dtype=bool)
    inside = distance[same & other].mean() if (same & other).any() else np.nan
    separation = float(distance[~same].mean() / inside) if (~same).any() else np.nan
    distance = distance / max(distance[other].mean(), 1e-12)
    return Grams(mean[np.ix_(order, order)], distance[np.ix_(rows, rows)], rows, group[rows], separation)


def _ordered(r: FloatArray) -> IntArray:
    """Order in which units that are alike stand together."""
    apart = np.clip(1 - r, 0, 2)
    np.fill_diagonal(apart, 0)
    return leaves_list(linkage(squareform((apart + apart.T) / 2, checks=False), "average"))


class Units(EncodingModel):
    """Directions in the channels of a layer, in the middle of the image, as cells whose best image can be asked for."""

    def __init__(self, network: Network, layer: int, direction: FloatArray):
        """direction: (n, channels)"""
        self.network, self.layer = network, layer
        self.direction = torch.from_numpy(np.asarray(direction, np.float32)).to(device())

    @property
    def reader(self):
        return self.network.reader

    def response(self, image_batch: Tensor) -> Tensor:
        maps = self.network.core(self.network.reader(image_batch))[self.layer]
        return maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2] @ self.direction.T


def directions(values: FloatArray) -> tuple[list[str], FloatArray]:
    """Names and directions (n, channels), of unit length in units of each channel's deviation: the two channels that
    vary most, both together, the cluster of the first, and two random ones."""
    spread = np.where(dead(values), np.inf, values.std(axis=0))
    order = np.argsort(-np.where(np.isinf(spread), 0, spread), kind="stable")
    one, two = order[:2]
    scaled = (values - values.mean(axis=0)) / spread
    alike = (scaled.T @ scaled[:, one]) / len(values) > 0.5
    alike[one] = True
    random = stream(0, "directions").standard_normal((2, values.shape[1]))
    unit = np.eye(values.shape[1])
    found = np.stack([unit[one], unit[two], unit[one] + unit[two], alike.astype(float), *random])
    found = found / np.linalg.norm(found, axis=1, keepdims=True) / spread
    single = [f"channel {one}", f"channel {two}"]
    return [*single, " and ".join(single), f"{alike.sum()} alike", "random", "random"], found


def readout_channels(network: Network, images: FloatArray) -> FloatArray:
    """(n_cells,) effective number of channels that carry a cell: (Σ a²)² / Σ a⁴ of its weights times their deviations,
    over all levels of a channel."""
    spread = np.concatenate([maps.std(axis=(0, 2, 3)) for maps in network.layers(images)])
    weight = network.readout.weight.detach().cpu().numpy().reshape(len(network.base), -1, len(spread))
    squares = ((weight * spread) ** 2).sum(axis=1)
    return squares.sum(axis=1) ** 2 / np.maximum((squares**2).sum(axis=1), 1e-30)


def untrained(network: Network, images: FloatArray, seed: int = 0) -> Network:
    """The same network with random weights, whose norms have seen the images: the control of every figure."""
    cells = len(network.base)
    control = Network(network.shape, network.reader, np.zeros(cells), np.ones(cells))
    control.initialise(torch.Generator().manual_seed(seed))
    for norm in control.core.norms:
        norm.momentum = None  # pyright: ignore[reportArgumentType]
    control.train()
    with torch.no_grad():
        # Norms of a layer depend on those of the layers before it.
        for _ in control.core.norms:
            for norm in control.core.norms:
                norm.reset_running_stats()  # pyright: ignore[reportCallIssue]
            control.core(control.reader(torch.from_numpy(np.asarray(images, np.float32)).to(device())))
    return control.eval().requires_grad_(False)
