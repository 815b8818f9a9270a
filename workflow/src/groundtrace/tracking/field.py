"""The sessions of one field, where they lie, and which of their ROIs are the same cell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.sparse import sparse_rows

Footprint = tuple[IntArray, IntArray, FloatArray]
"""Rows, columns and weights."""


@dataclass(frozen=True)
class Visit:
    """One session of a field, one plane: its accepted ROIs and its images."""

    key: str
    """Of the session."""
    images: dict[str, FloatArray]
    """(Y, X) each; `mean`, and `correlation` where there is one."""
    rois: IntArray
    """(n_rois,) numbers of the ROIs that are tracked."""
    footprints: list[Footprint]
    """(n_rois,)"""
    diameter: float
    """px, of a cell."""

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.images["mean"].shape
        return height, width

    @cached_property
    def masks(self) -> sparse.csr_array:
        """(n_rois, pixels) weights, each row of length 1."""
        rows = [(y.astype(np.int64) * self.shape[1] + x, w / np.linalg.norm(w)) for y, x, w in self.footprints]
        return sparse_rows(rows, int(np.prod(self.shape))) if rows else sparse.csr_array((0, int(np.prod(self.shape))))

    @cached_property
    def lit(self) -> FloatArray:
        """(Y, X) footprints of all ROIs together, each with a peak of 1."""
        image = np.zeros(self.shape)
        for y, x, weight in self.footprints:
            np.maximum.at(image, (y, x), weight / weight.max())
        return image


@dataclass(frozen=True)
class Warp:
    """Where a place p of the field's reference is in a session: q = p + displacement(p), px.

    The displacement is a sum of products of Legendre polynomials up to the third degree along each axis, over the
    reference's field; beyond its edge only the linear part goes on.
    """

    coefficients: FloatArray
    """(2, TERMS), (y, x)."""
    shape: tuple[int, int]
    """Of the reference."""

    @classmethod
    def none(cls, shape: tuple[int, int]) -> "Warp":
        return cls(np.zeros((2, TERMS)), shape)

    @classmethod
    def linear(cls, matrix: FloatArray, shift: FloatArray, shape: tuple[int, int]) -> "Warp":
        """q = c + matrix (p - c) + shift, with c the middle of the field."""
        coefficients = np.zeros((2, TERMS))
        half = (np.array(shape) - 1) / 2
        coefficients[:, LINEAR[0]] = shift
        coefficients[:, LINEAR[1]], coefficients[:, LINEAR[2]] = ((matrix - np.eye(2)) * half).T
        return cls(coefficients, shape)

    @classmethod
    def fitted(cls, there: FloatArray, shape: tuple[int, int]) -> "Warp":
        """The one nearest to places `there` (Y, X, 2) of the pixels of the reference; NaN where none is known."""
        places = pixels_of(shape)[::4, ::4]
        known = np.isfinite(there[::4, ::4]).all(axis=-1)
        moved = (there[::4, ::4] - places)[known]
        return cls(np.linalg.lstsq(basis(places[known], shape), moved, rcond=None)[0].T, shape)

    def __call__(self, places: FloatArray) -> FloatArray:
        """Places (..., 2) of the reference in the session."""
        return places + basis(places, self.shape) @ self.coefficients.T

    def back(self, places: FloatArray) -> FloatArray:
        """Places (..., 2) of the session in the reference."""
        found = np.array(places, float)
        for _ in range(20):
            found = found + (places - self(found))
        return found

    @property
    def matrix(self) -> FloatArray:
        """(2, 2) of the linear part."""
        half = (np.array(self.shape) - 1) / 2
        return np.eye(2) + self.coefficients[:, LINEAR[1:]] / half

    @property
    def shift(self) -> FloatArray:
        """(2,) px in the middle of the field, of the linear part."""
        return self.coefficients[:, LINEAR[0]]

    @property
    def rotation(self) -> float:
        """Degrees, counted from y to x."""
        (a, b), (c, d) = self.matrix
        return float(np.rad2deg(np.arctan2(c - b, a + d)))

    @property
    def scale(self) -> float:
        return float(np.sqrt(np.linalg.det(self.matrix)))

    def bending(self, side: int) -> FloatArray:
        """(2, side²) px beyond rotation, scale and shift at a square grid of places from edge to edge, row by row."""
        places = grid(self.shape, side)
        similar = Warp.linear(similarity(self.rotation, self.scale), self.shift, self.shape)
        return (self(places) - similar(places)).T

    @classmethod
    def told(cls, row: Mapping[str, Any], shape: tuple[int, int]) -> "Warp":
        """From a row of the table Alignment of a session that was aligned."""
        places = grid(shape, round(len(row["bending_y"]) ** 0.5))
        shift = np.array([row["shift_y"], row["shift_x"]])
        similar = Warp.linear(similarity(row["rotation"], row["scale"]), shift, shape)
        bent = np.linalg.lstsq(basis(places, shape), np.stack([row["bending_y"], row["bending_x"]], axis=1), rcond=None)
        return cls(similar.coefficients + bent[0].T, shape)


def grid(shape: tuple[int, int], side: int) -> FloatArray:
    """(side², 2) places from edge to edge of a field, row by row."""
    return np.stack(np.meshgrid(*(np.linspace(0, n - 1, side) for n in shape), indexing="ij"), axis=-1).reshape(-1, 2)


def pixels_of(shape: tuple[int, int]) -> FloatArray:
    """(Y, X, 2) places of the pixels of a field."""
    return np.stack(np.meshgrid(*(np.arange(float(side)) for side in shape), indexing="ij"), axis=-1)


def similarity(degrees: float, scale: float) -> FloatArray:
    """(2, 2) rotation from y to x, and scale."""
    angle = np.deg2rad(degrees)
    return scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


DEGREE = 3
TERMS = (DEGREE + 1) ** 2
LINEAR = [0, DEGREE + 1, 1]
"""Terms of the shift, of y and of x."""


def basis(places: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """(..., TERMS) of the displacement of a Warp at places (..., 2)."""
    scaled = 2 * np.asarray(places, float) / (np.array(shape) - 1) - 1
    inside = np.clip(scaled, -1, 1)
    rows, columns = (np.polynomial.legendre.legvander(inside[..., axis], DEGREE) for axis in (0, 1))
    terms = (rows[..., :, None] * columns[..., None, :]).reshape(*inside.shape[:-1], TERMS)
    terms[..., LINEAR[1]], terms[..., LINEAR[2]] = scaled[..., 0], scaled[..., 1]
    return terms


@dataclass(frozen=True)
class Aligned:
    """Where a session's field lies."""

    warp: Warp | None
    """None where it could not be aligned."""
    error: float
    """px, standard error of the displacement; NaN where it could not be aligned."""
    likeness: float
    """Correlation of its image, locally normalised, with that of the others."""
    distinct: float
    """The correlation that aligned it, in standard deviations of those at other shifts."""
    reason: str = ""
    """Why it was left out."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of ROIs of two sessions that may be one cell; ROIs count through all sessions, one after the other."""

    first: IntArray
    second: IntArray
    distance: FloatArray
    """Cell diameters, between the centroids."""
    overlap: FloatArray
    """Cosine between the footprints."""
    probability: FloatArray
    """Of being one cell."""


@dataclass(frozen=True)
class Tracks:
    """Which ROIs are the same cell. ROIs count through all sessions, one after the other."""

    aligned: list[Aligned]
    """Per session."""
    reference: int
    """Position of the session that the others lie on."""
    track: IntArray
    """(n_rois,) from 0; -1 in sessions that were left out."""
    probability: FloatArray
    """(n_rois,) of belonging to its track; of a track of one, of being in no other."""
    runner_up: IntArray
    """(n_rois,) the next likely track; -1 for none."""
    runner_up_probability: FloatArray
    """(n_rois,)"""
    pairs: Pairs

    def among(self, rois: IntArray, count: int) -> "Tracks":
        """What was found of the ROIs that are aligned (their positions `rois`), for all `count` ROIs."""

        def whole(values: FloatArray | IntArray, missing: float) -> np.ndarray:
            found = np.full(count, missing, values.dtype)
            found[rois] = values
            return found

        return replace(
            self,
            track=whole(self.track, -1),
            probability=whole(self.probability, np.nan),
            runner_up=whole(self.runner_up, -1),
            runner_up_probability=whole(self.runner_up_probability, 0),
        )
