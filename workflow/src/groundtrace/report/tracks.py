"""The page of a field: the same cells over its sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.extraction.outlines import outlines
from groundtrace.io import read_table
from groundtrace.report.frame import render
from groundtrace.tracking.field import Warp, pixels_of
from groundtrace.tracking.scaling import factor_of, unscaled

Pixels = tuple[IntArray, IntArray]
"""Rows and columns."""


@dataclass(frozen=True)
class Day:
    """What the page shows of one session."""

    rois: pl.DataFrame
    """Table Rois: `roi`, `accepted` and the footprints."""
    traces: pl.DataFrame
    """Table Traces: `roi`, `dff`."""
    spikes: pl.DataFrame
    """Table Spikes: `roi`, `mean_rate`."""
    frame_rate: float
    """Hz"""
    pixel_size: float | None
    """µm"""

    @classmethod
    def read(cls, acquisition: Path | str, rois: Path | str, traces: Path | str, spikes: Path | str) -> "Day":
        recorded = Acquisition.read(acquisition)
        return cls(
            read_table(rois, ["roi", "accepted", "pixel_y", "pixel_x", "weight"]).filter("accepted"),
            read_table(traces, ["roi", "dff"]),
            read_table(spikes, ["roi", "mean_rate"]),
            recorded.frame_rate,
            recorded.pixel_size,
        )

    @classmethod
    def failed(cls) -> "Day":
        """A session of which nothing was made."""
        lists = pl.List(pl.Float32)
        return cls(
            pl.DataFrame(schema={"roi": pl.Int32, "pixel_y": lists, "pixel_x": lists, "weight": lists}),
            pl.DataFrame(schema={"roi": pl.Int32, "dff": lists}),
            pl.DataFrame(schema={"roi": pl.Int32, "mean_rate": pl.Float32}),
            1.0,
            None,
        )

    def outlines(self, aligned: Mapping[str, Any], shape: tuple[int, int]) -> dict[int, Pixels]:
        """Pixels of the field's reference, of `shape`, that each accepted ROI covers. aligned: its row of Alignment."""
        if not aligned["aligned"] or not self.rois.height:
            return {}
        warp, factor = Warp.told(aligned, shape), factor_of(self.pixel_size, aligned["pixel_size"])
        places = pixels_of(shape)
        there = np.rint(unscaled(warp(places), factor)).astype(int)
        found = {}
        for roi, (y, x) in zip(self.rois["roi"], outlines(self.rois), strict=True):
            low = np.array([y.min(), x.min()])
            size = np.array([y.max(), x.max()]) + 1 - low
            image = np.zeros((int(size[0]), int(size[1])), bool)
            image[y - low[0], x - low[1]] = True
            corners = low + size * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
            back = warp.back((corners - (factor - 1) / 2) / factor)
            top, end = np.clip([back.min(axis=0) - 2, back.max(axis=0) + 3], 0, shape).astype(int)
            near = there[top[0] : end[0], top[1] : end[1]] - low
            inside = np.all((near >= 0) & (near < size), axis=-1)
            held = np.clip(near, 0, size - 1)
            inside &= image[held[..., 0], held[..., 1]]
            rows, columns = np.nonzero(inside)
            found[roi] = (rows + top[0], columns + top[1])
        return found


@dataclass(frozen=True)
class TracksInputs:
    """What the page shows; sessions in the order of time."""

    subject: str
    field: str
    plane: int
    recipe: str
    method: str
    tracks: pl.DataFrame
    """Table Tracks."""
    alignment: pl.DataFrame
    """Table Alignment."""
    images: Mapping[str, FloatArray]
    """`mean` (n_sessions, Y, X) and `diameter`, px, on the reference."""
    days: Sequence[Day]
    """Per session."""

    @cached_property
    def sessions(self) -> list[str]:
        return self.alignment["session"].to_list()

    @cached_property
    def short(self) -> list[str]:
        """Sessions without the subject."""
        return [key.partition("/")[2].removeprefix("ses-").replace("_date-", " · ") for key in self.sessions]

    @cached_property
    def rois(self) -> pl.DataFrame:
        """Rows of Tracks that have a track, with the position of their session."""
        number = dict(zip(self.sessions, range(len(self.sessions)), strict=True))
        found = self.tracks.filter(pl.col("track").is_not_null())
        return found.with_columns(day=pl.col("session").replace_strict(number, return_dtype=pl.Int32))

    @cached_property
    def outlines(self) -> list[Pixels]:
        """Pixels of the reference that each of `rois` covers."""
        rows, shape = self.alignment.iter_rows(named=True), self.images["mean"].shape[1:]
        found = [day.outlines(row, shape) for day, row in zip(self.days, rows, strict=True)]
        return [found[day][roi] for day, roi in self.rois.select("day", "roi").iter_rows()]

    @cached_property
    def order(self) -> list[int]:
        """Tracks, those of most sessions first, then the surest."""
        found = self.rois.group_by("track").agg(pl.len(), pl.col("probability").mean())
        return found.sort(["len", "probability", "track"], descending=[True, True, False])["track"].to_list()

    @cached_property
    def presence(self) -> FloatArray:
        """(n_tracks, n_sessions) probability of each track's ROI, NaN where it has none; in the order of `order`."""
        found = np.full((len(self.order), len(self.sessions)), np.nan)
        place = {track: k for k, track in enumerate(self.order)}
        for track, day, probability in self.rois.select("track", "day", "probability").iter_rows():
            found[place[track], day] = probability
        return found

    @cached_property
    def several(self) -> int:
        """Tracks of two sessions and more."""
        return int((np.isfinite(self.presence).sum(axis=1) > 1).sum())


def render_tracks(given: TracksInputs) -> str:
    """The page as HTML."""
    return render("tracks", given, f"{given.subject} field {given.field}")
