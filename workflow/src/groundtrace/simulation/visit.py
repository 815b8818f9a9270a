"""How one session of a field differs from the others: the same tissue, seen at another place, depth and day."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates

from groundtrace.arrays import FloatArray
from groundtrace.simulation.parameters import Revisits
from groundtrace.simulation.tissue import Cells

NODES = 4
"""The smooth deformation is a cubic spline through NODES × NODES points spread edge to edge."""
INVERSION = 30
"""Steps of the fixed point by which a map is inverted; each leaves less than a tenth of the error."""


@dataclass(frozen=True)
class Visit:
    """A session's place p, px, shows the tissue's g(p) = c + A (p - c) + shift + deformation(p), c the middle."""

    matrix: FloatArray
    """(2, 2) A, rotation and scale."""
    shift: FloatArray
    """(2,) px."""
    nodes: FloatArray
    """(2, NODES, NODES) px of deformation."""
    depth: float
    """µm by which the plane is deeper than in the field's other sessions on average."""
    brightness: FloatArray
    """(n_cells,) of each cell's light; 0 of those that are lost this time."""

    @classmethod
    def draw(cls, random: np.random.Generator, revisits: Revisits, pixel_size: float, cells: int) -> "Visit":
        """One session's; the cells' last, so that their number changes nothing else."""
        angle = np.deg2rad(revisits.rotation) * random.uniform(-1, 1)
        scale = 1 + revisits.scale * random.uniform(-1, 1)
        matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shift = revisits.shift / pixel_size * random.uniform(-1, 1, 2)
        nodes = revisits.deformation / pixel_size * np.clip(random.standard_normal((2, NODES, NODES)), -2, 2)
        depth = revisits.axial_offset * random.uniform(-1, 1)
        light = np.exp(revisits.brightness * random.standard_normal(cells))
        return cls(matrix, shift, nodes, depth, light * (random.random(cells) >= revisits.turnover))

    def tissue_place(self, places: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """g at `places` (..., 2), px of an image of `shape`."""
        middle = (np.array(shape) - 1) / 2
        along = [
            CubicSpline(np.linspace(0, size - 1, NODES), np.eye(NODES))(np.clip(places[..., axis], 0, size - 1))
            for axis, size in enumerate(shape)
        ]
        bent = np.einsum("...i,kij,...j->...k", along[0], self.nodes, along[1], optimize=True)
        return middle + (places - middle) @ self.matrix.T + self.shift + bent

    def session_place(self, places: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Where the session shows the tissue's `places` (n, 2)."""
        back, found = np.linalg.inv(self.matrix), places
        for _ in range(INVERSION):
            found = found + (places - self.tissue_place(found, shape)) @ back.T
        return found

    def seen(self, image: FloatArray) -> FloatArray:
        """An image of the tissue, (Y, X), as the session shows it."""
        pixels = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1).astype(float)
        places = self.tissue_place(pixels, (image.shape[0], image.shape[1]))
        return map_coordinates(image, np.moveaxis(places, -1, 0), order=1, mode="nearest")

    def cells(self, cells: Cells, shape: tuple[int, int], pixel_size: float) -> Cells:
        """The tissue's cells as the session shows them."""
        stretch = cells.stretch.copy()
        stretch[:, 1] -= np.arctan2(self.matrix[1, 0], self.matrix[0, 0])
        return replace(
            cells,
            centers=self.session_place(cells.centers + cells.tilt * self.depth / pixel_size, shape),
            depth=np.where(cells.dendrite, 0, cells.depth - self.depth),
            brightness=cells.brightness * self.brightness,
            radius=cells.radius / np.sqrt(np.linalg.det(self.matrix)),
            stretch=stretch,
        )


def reach(revisits: Revisits, half_diagonal: float) -> float:
    """µm by which a session may show tissue beyond the field. half_diagonal: of the field, µm."""
    turned = half_diagonal * (np.deg2rad(revisits.rotation) + revisits.scale)
    return float(turned + revisits.shift + 2 * revisits.deformation)
