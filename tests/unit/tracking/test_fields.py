"""From files of sessions to the tables of a field, good and bad."""

import warnings

import numpy as np
import polars as pl
import pytest

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.tracking import score_tracks
from groundtrace.errors import InputError
from groundtrace.tables import validate
from groundtrace.tracking.field import Warp
from groundtrace.tracking.mixture import Mixture
from groundtrace.tracking.steps import Failed, Session, track
from groundtrace.tracking.tables import Alignment, Pairs, Tracks
from tests.unit.tracking.tissue import DIAMETER, SIZE, places, turned, visit

CELLS = places(1)


def session(number: int, where: np.ndarray, pixel_size: float | None = 1.0, size: int = SIZE) -> Session:
    """Every fifth ROI is not accepted."""
    seen = visit("x", where, number)
    rows = [(int(roi), *(part.tolist() for part in own)) for roi, own in zip(seen.rois, seen.footprints, strict=True)]
    rois = pl.DataFrame(rows, schema=["roi", "pixel_y", "pixel_x", "weight"], orient="row").with_columns(
        pl.col("roi").cast(pl.Int32), accepted=pl.col("roi") % 5 != 0
    )
    acquisition = Acquisition(
        subject="M1", session=str(number), plane=0, planes=1, channels=1, functional_channel=1, frames=2, height=size,
        width=size, dtype="int16", frame_rate=1.0, pixel_size=pixel_size, saturation=1, sources=(),
    )  # fmt: skip
    return Session(acquisition, rois, {"mean": seen.images["mean"][:size, :size]}, DIAMETER)


def cropped(made: Session, size: int) -> Session:
    inside = pl.all_horizontal(pl.col(name).list.max() < size for name in ("pixel_y", "pixel_x"))
    return Session(made.acquisition, made.rois.filter(inside), {"mean": made.images["mean"][:size, :size]}, DIAMETER)


def test_every_roi_has_a_row_and_every_session_a_place():
    sessions = [session(1, CELLS), session(2, turned(CELLS, 2.0, 1.01, (3.0, -4.0)))]
    found = track(sessions, Mixture())
    tracks = validate(Tracks, found.tracks)
    validate(Pairs, found.pairs)
    alignment = validate(Alignment, found.alignment)
    assert tracks.height == sum(own.rois.height for own in sessions)
    accepted = pl.concat(own.rois["accepted"] for own in sessions)
    assert (tracks["track"].is_not_null() == accepted).all()
    assert alignment["reference"].sum() == 1
    assert (alignment["found"] > 0.9).all()
    names = {"subject": "sub-M1", "field": "A", "plane": 0, "recipe": "r", "track": "mixture"}
    cells = tracks.filter(accepted).select("session", "roi", identity="roi", depth=pl.lit(0.0))
    scored = score_tracks(names, tracks, found.pairs, cells)
    assert scored["f1"][0] > 0.95
    assert scored["tracks_whole"][0] > 0.9 * scored["tracks"][0]


def test_wrong_tracks_score_badly():
    """Tracks that join every cell with its neighbour in the list are wrong in each pair."""
    types = {"session": pl.String(), "roi": pl.Int32(), "track": pl.Int32(), "identity": pl.Int32()}
    ours = pl.DataFrame(
        {"session": ["a", "a", "b", "b"], "roi": [0, 1, 0, 1], "track": [0, 1, 1, 0]}, schema_overrides=types
    )
    cells = pl.DataFrame(
        {"session": ["a", "a", "b", "b"], "roi": [0, 1, 0, 1], "identity": [7, 8, 7, 8]}, schema_overrides=types
    )
    pairs = pl.DataFrame(schema={name: dtype for name, dtype in Pairs.types().items()})
    names = {"subject": "sub-M1", "field": "A", "plane": 0, "recipe": "r", "track": "t"}
    scored = score_tracks(names, ours, pairs, cells.with_columns(depth=pl.lit(0.0)))
    assert (scored["right"][0], scored["pairs"][0], scored["joined"][0], scored["tracks_whole"][0]) == (0, 2, 2, 0)


def test_another_pixel_size_is_rescaled():
    """The same tissue with pixels a quarter smaller, as with a larger zoom."""
    fine = session(2, 79.5 + (CELLS - 79.5) * 1.25, pixel_size=0.8)
    found = track([session(1, CELLS), Session(fine.acquisition, fine.rois, fine.images, 1.25 * DIAMETER)], Mixture())
    assert found.alignment["pixel_size"].to_list() == [1.0, 1.0]
    assert found.alignment["scale"].to_numpy() == pytest.approx(1.0, abs=0.02)
    assert (found.alignment["found"] > 0.6).all()


def test_a_smaller_field_is_tracked_where_the_pixel_size_is_known_and_refused_where_not():
    sessions = [session(1, CELLS), cropped(session(2, CELLS), 140)]
    assert track(sessions, Mixture()).alignment["found"][1] > 0.9
    unknown = [session(1, CELLS), cropped(session(2, CELLS, pixel_size=None), 140)]
    with pytest.raises(InputError, match=r"sub-M1/ses-2: its field is of another size.*fill the column pixel_size"):
        track(unknown, Mixture())


def test_a_session_of_other_tissue_is_left_out_with_a_notice():
    sessions = [session(1, CELLS), session(2, CELLS), session(3, places(2))]
    with pytest.warns(UserWarning, match="sub-M1/ses-3 is like no other session of the field"):
        found = track(sessions, Mixture())
    assert found.alignment["aligned"].to_list() == [True, True, False]
    assert found.tracks.filter(pl.col("session") == "sub-M1/ses-3")["track"].null_count() == sessions[2].rois.height


def test_a_failed_session_is_left_out_at_its_place_in_time():
    sessions = [session(1, CELLS), Failed("sub-M1/ses-2", "motion: no light"), session(3, turned(CELLS, 2, 1, (3, 4)))]
    with pytest.warns(UserWarning, match=r"sub-M1/ses-2 failed and is left out \(motion: no light\)"):
        found = track(sessions, Mixture())
    alignment, without = validate(Alignment, found.alignment), track([sessions[0], sessions[2]], Mixture())
    assert alignment["session"].to_list() == [f"sub-M1/ses-{k}" for k in (1, 2, 3)]
    assert alignment["reason"].to_list() == ["", "motion: no light", ""]
    assert alignment[[0, 2]].equals(without.alignment)
    assert found.tracks.equals(without.tracks)
    assert np.isnan(found.images["mean"]).all(axis=(1, 2)).tolist() == [False, True, False]


def test_alignment_tells_the_whole_transformation():
    """Shear and bending too."""
    random = np.random.default_rng(0)
    linear = Warp.linear(np.array([[1.01, 0.05], [-0.02, 0.98]]), np.array([3.0, -4.0]), (SIZE, SIZE - 20))
    bent = random.normal(0, 1, linear.coefficients.shape)
    warp = Warp(linear.coefficients + bent, linear.shape)
    bending = warp.bending(5)
    row = {"rotation": warp.rotation, "scale": warp.scale, "shift_y": warp.shift[0], "shift_x": warp.shift[1]}
    told = Warp.told(row | {"bending_y": bending[0], "bending_x": bending[1]}, warp.shape)
    assert told.coefficients == pytest.approx(warp.coefficients, abs=1e-9)


def test_no_roi_anywhere_is_said():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = track([session(1, CELLS[:1]), session(2, CELLS[:1])], Mixture())
    assert any("nothing to track" in str(one.message) for one in said)
    assert found.tracks["track"].null_count() == 2
