"""From the files of the sessions of a field to its tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.notices import notice
from groundtrace.tables import single
from groundtrace.tracking.base import TrackingBackend
from groundtrace.tracking.field import Aligned, Tracks, Visit
from groundtrace.tracking.images import warped
from groundtrace.tracking.scaling import on_one_grid

BENT = 5
"""Places along each axis at which the bending of a session is told."""
CELL = 12.0
"""µm, and px where nothing else is known: diameter of a cell."""


@dataclass(frozen=True)
class Session:
    """What is read of one session, one plane."""

    acquisition: Acquisition
    rois: pl.DataFrame
    """Table Rois."""
    images: dict[str, FloatArray]
    diameter: float
    """px, as extraction used it."""

    def visit(self) -> Visit:
        kept = self.rois.filter("accepted")
        footprints = [
            (np.asarray(y), np.asarray(x), np.asarray(weight, float))
            for y, x, weight in kept.select("pixel_y", "pixel_x", "weight").iter_rows()
        ]
        images = {name: self.images[name] for name in ("mean", "correlation") if name in self.images}
        if "mean" not in images:
            images["mean"] = np.zeros((self.acquisition.height, self.acquisition.width))
        return Visit(self.acquisition.key, images, kept["roi"].to_numpy(), footprints, self.diameter)


@dataclass(frozen=True)
class Failed:
    """A session of which there is nothing to track."""

    key: str
    reason: str


@dataclass(frozen=True)
class Field:
    """What is written of a field: tables Tracks, Pairs and Alignment, and the images of `mean_images`."""

    tracks: pl.DataFrame
    pairs: pl.DataFrame
    alignment: pl.DataFrame
    images: dict[str, FloatArray]


def track(every: Sequence[Session | Failed], method: TrackingBackend) -> Field:
    """Track the accepted ROIs of the sessions of a field, one of which at least has not failed.

    Sessions come in the order of time; a session that failed, or is not like the others, is left out with a notice.
    Raises InputError where their fields differ in size and it is not known how large a pixel is.
    """
    sessions = [session for session in every if isinstance(session, Session)]
    visits, pixel_size = on_one_grid(
        [session.visit() for session in sessions], [session.acquisition.pixel_size for session in sessions]
    )
    found = method.run(visits)
    for own in found.aligned:
        if own.reason:
            notice("not aligned", f"{own.reason}; look at its mean image, or empty its column field")
    if not any(len(visit.rois) for visit in visits):
        notice("no ROI", f"no session of the field of {visits[0].key} has an accepted ROI; there is nothing to track")
    rows = Rows.of(visits, found)
    made = Field(
        tracks_table(sessions, rows),
        pairs_table(rows, found),
        alignment_table(visits, rows, found, pixel_size),
        mean_images(visits, found),
    )
    return with_failed(made, every) if len(sessions) < len(every) else made


def with_failed(found: Field, every: Sequence[Session | Failed]) -> Field:
    """A field with the sessions that failed at their places in time: rows and images that hold nothing."""
    failed = [session for session in every if isinstance(session, Failed)]
    for session in failed:
        notice("session failed", f"{session.key} failed and is left out ({session.reason}); mend it and run again")
    empty: list[float] = []
    rows = pl.DataFrame(
        {"session": [session.key for session in failed], "reason": [session.reason for session in failed]}
    ).with_columns(
        reference=False,
        aligned=False,
        bending_y=pl.lit(empty, pl.List(pl.Float32)),
        bending_x=pl.lit(empty, pl.List(pl.Float32)),
    )
    alignment = pl.concat([found.alignment, rows], how="diagonal")
    place = {key: k for k, key in enumerate(alignment["session"])}
    order = [place[one.key if isinstance(one, Failed) else one.acquisition.key] for one in every]
    mean = found.images["mean"]
    mean = np.concatenate([mean, np.full((len(failed), *mean.shape[1:]), np.nan, mean.dtype)])
    return Field(found.tracks, found.pairs, alignment[order], found.images | {"mean": mean[order]})


@dataclass(frozen=True)
class Rows:
    """Accepted ROIs of all sessions, one after the other."""

    session: list[str]
    roi: list[int]
    track: list[int]
    sessions: np.ndarray
    """(n,) in which the track has a ROI."""
    place: FloatArray
    """(n, 2) px, centroid on the reference; NaN where the session was left out."""
    found: Tracks

    @classmethod
    def of(cls, visits: Sequence[Visit], found: Tracks) -> "Rows":
        size = np.bincount(found.track[found.track >= 0], minlength=1)
        return cls(
            [visit.key for visit in visits for _ in visit.rois],
            [int(roi) for visit in visits for roi in visit.rois],
            found.track.tolist(),
            np.where(found.track >= 0, size[found.track], 0),
            np.concatenate([_places(visit, own) for visit, own in zip(visits, found.aligned, strict=True)]),
            found,
        )


def tracks_table(sessions: Sequence[Session], rows: Rows) -> pl.DataFrame:
    """Table Tracks."""
    every = pl.concat(
        session.rois.select(pl.lit(session.acquisition.key).alias("session"), "roi") for session in sessions
    )
    found = rows.found
    inside, runner = found.track >= 0, found.runner_up >= 0
    own = pl.DataFrame(
        {
            "session": pl.Series(rows.session, dtype=pl.String),
            "roi": pl.Series(rows.roi, dtype=pl.Int32),
            "track": _whole(found.track, inside),
            "sessions": _whole(rows.sessions, inside),
            "y": single(rows.place[:, 0]),
            "x": single(rows.place[:, 1]),
            "probability": single(np.where(inside, found.probability, np.nan)),
            "runner_up": _whole(found.runner_up, runner),
            "runner_up_probability": single(np.where(runner, found.runner_up_probability, np.nan)),
        }
    )
    return every.join(own, on=["session", "roi"], how="left", maintain_order="left")


def pairs_table(rows: Rows, found: Tracks) -> pl.DataFrame:
    """Table Pairs."""
    pairs, session, roi = found.pairs, np.array(rows.session, dtype=object), np.array(rows.roi, np.int32)
    return pl.DataFrame(
        {
            "session": pl.Series(session[pairs.first].tolist(), dtype=pl.String),
            "roi": pl.Series(roi[pairs.first], dtype=pl.Int32),
            "other_session": pl.Series(session[pairs.second].tolist(), dtype=pl.String),
            "other_roi": pl.Series(roi[pairs.second], dtype=pl.Int32),
            "distance": single(pairs.distance),
            "overlap": single(pairs.overlap),
            "probability": single(pairs.probability),
        }
    )


def alignment_table(visits: Sequence[Visit], rows: Rows, found: Tracks, pixel_size: float | None) -> pl.DataFrame:
    """Table Alignment."""
    session = np.repeat(np.arange(len(visits)), [len(visit.rois) for visit in visits])
    partner = np.where(rows.sessions > 1, np.nan_to_num(found.probability), 0)
    warps = [own.warp for own in found.aligned]
    bending = [np.zeros((2, 0)) if warp is None else warp.bending(BENT) for warp in warps]
    shares, errors = [], []
    for k, visit in enumerate(visits):
        own = session == k
        known = len(visit.rois) and warps[k] is not None
        shares.append(float((rows.sessions[own] > 1).mean()) if known else np.nan)
        errors.append(float(np.sqrt((partner[own] * (1 - partner[own])).sum()) / own.sum()) if known else np.nan)

    def of(value: str) -> pl.Series:
        return single(np.array([np.nan if warp is None else getattr(warp, value) for warp in warps], float))

    shift = np.array([np.full(2, np.nan) if warp is None else warp.shift for warp in warps])
    return pl.DataFrame(
        {
            "session": pl.Series([visit.key for visit in visits], dtype=pl.String),
            "reference": pl.Series([k == found.reference for k in range(len(visits))]),
            "aligned": pl.Series([warp is not None for warp in warps]),
            "reason": pl.Series([own.reason for own in found.aligned], dtype=pl.String),
            "pixel_size": pl.Series([pixel_size] * len(visits), dtype=pl.Float32),
            "rotation": of("rotation"),
            "scale": of("scale"),
            "shift_y": single(shift[:, 0]),
            "shift_x": single(shift[:, 1]),
            "bending_y": pl.Series([bent[0].tolist() for bent in bending], dtype=pl.List(pl.Float32)),
            "bending_x": pl.Series([bent[1].tolist() for bent in bending], dtype=pl.List(pl.Float32)),
            "error": single(np.array([own.error for own in found.aligned])),
            "likeness": single(np.array([own.likeness for own in found.aligned])),
            "distinct": single(np.array([own.distinct for own in found.aligned])),
            "rois": pl.Series([len(visit.rois) for visit in visits], dtype=pl.Int32),
            "found": single(np.array(shares)),
            "found_error": single(np.array(errors)),
        }
    )


def mean_images(visits: Sequence[Visit], found: Tracks) -> dict[str, FloatArray]:
    """`mean`: mean images on the reference, (n_sessions, Y, X) float32, NaN where there is nothing; of sessions that
    were left out as they are. `diameter`: px, of a cell."""
    images = [
        visit.images["mean"] if own.warp is None else warped(visit.images["mean"], own.warp)
        for visit, own in zip(visits, found.aligned, strict=True)
    ]
    return {
        "mean": np.stack(images).astype(np.float32),
        "diameter": np.array(np.median([visit.diameter for visit in visits])),
    }


def _places(visit: Visit, own: Aligned) -> FloatArray:
    centres = [[np.average(y, weights=w), np.average(x, weights=w)] for y, x, w in visit.footprints]
    places = np.array(centres).reshape(-1, 2)
    return np.full_like(places, np.nan) if own.warp is None else own.warp.back(places)


def _whole(values: np.ndarray, known: np.ndarray) -> pl.Series:
    return pl.Series(
        [int(value) if there else None for value, there in zip(values, known, strict=True)], dtype=pl.Int32
    )
