"""The page of a field: the same cells over its sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.report.frame import render


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
    traces: Sequence[pl.DataFrame]
    """Table Traces of each session: `roi`, `dff`."""
    spikes: Sequence[pl.DataFrame]
    """Table Spikes of each session: `roi`, `mean_rate`."""
    frame_rates: Sequence[float]
    """Hz, of each session."""

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
