"""What tracking promises, on drawn sessions."""

import numpy as np
import pytest

from groundtrace.tracking.mixture import Mixture
from groundtrace.tracking.overlap import Overlap
from groundtrace.tracking.roicat import Roicat
from tests.packages import require
from tests.unit.tracking.tissue import permuted, places, turned, visit

CELLS = places(1)
METHODS = [Mixture(), Overlap(), Roicat()]
MOVED = [(0.0, 1.0, (0.0, 0.0)), (3.0, 1.02, (5.0, -7.0)), (-2.5, 0.985, (-4.0, 6.0))]


@pytest.fixture(scope="module")
def days():
    return [visit(f"sub-M1/ses-{k}", turned(CELLS, *moved), k) for k, moved in enumerate(MOVED)]


def numbers(visits):
    return np.concatenate([day.rois for day in visits])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.backend)
def test_a_session_with_itself_is_every_cell(method):
    require(method)
    day = visit("sub-M1/ses-0", CELLS, 0)
    twice = [day, visit("sub-M1/ses-1", CELLS, 0)]
    found = method.run(twice)
    one, two = np.split(found.track, 2)
    assert np.array_equal(one, two)
    assert len(set(one)) == len(day.rois)
    assert found.probability.min() > 0.99


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.backend)
def test_nothing_is_tracked_between_two_tissues(method):
    """The session that is like none is named, and has no track."""
    require(method)
    visits = [visit("sub-M1/ses-0", CELLS, 0), visit("sub-M1/ses-1", places(2), 1)]
    found = method.run(visits)
    assert np.bincount(found.track[found.track >= 0]).max() == 1
    left = [own.reason for own in found.aligned if own.warp is None]
    assert len(left) == 1
    assert "ses-" in left[0]
    assert "is like no other session" in left[0]


def test_a_known_transformation_is_recovered(days):
    found = Mixture().run(days)
    reference = MOVED[found.reference]
    own = turned(CELLS, *reference)
    inner = (np.abs(own - 79.5) < 60).all(axis=1)
    for moved, aligned in zip(MOVED, found.aligned, strict=True):
        assert aligned.warp is not None
        there = turned(CELLS, *moved)[inner]
        off = np.hypot(*(aligned.warp(own[inner]) - there).T)
        assert np.sqrt((off**2).mean()) < 0.5
        assert aligned.warp.rotation == pytest.approx(moved[0] - reference[0], abs=0.5)
        assert aligned.warp.scale == pytest.approx(moved[1] / reference[1], abs=0.01)


def test_cells_keep_their_track_and_different_ones_do_not_share_it(days):
    found, cell = Mixture().run(days), numbers(days)
    same = cell[:, None] == cell[None]
    joined = found.track[:, None] == found.track[None]
    off = ~np.eye(len(cell), dtype=bool)
    assert (same & joined & off).sum() / (joined & off).sum() > 0.99
    assert (same & joined & off).sum() / (same & off).sum() > 0.95


def test_the_order_of_sessions_changes_nothing(days):
    first = Mixture().run(days)
    order = [2, 0, 1]
    again = Mixture().run(permuted(days, order))
    sizes = [len(day.rois) for day in days]
    parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    back = np.concatenate([parts[k] for k in order])
    track = np.empty_like(first.track)
    track[back] = again.track
    groups = [{frozenset(np.flatnonzero(one == k)) for k in set(one)} for one in (first.track, track)]
    assert groups[0] == groups[1]


def test_a_lost_cell_leaves_a_gap_and_comes_back(days):
    """Absence in between does not end a track."""
    without = visit(days[1].key, turned(np.delete(CELLS, 20, axis=0), *MOVED[1]), 1)
    found = Mixture().run([days[0], without, days[2]])
    first = found.track[: len(days[0].rois)][days[0].rois == 20]
    last = found.track[-len(days[2].rois) :][days[2].rois == 20]
    assert first == last
    assert first not in found.track[len(days[0].rois) : len(days[0].rois) + len(without.rois)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.backend)
def test_few_sessions_and_few_rois_are_answers(method):
    require(method)
    alone = method.run([visit("sub-M1/ses-0", CELLS[:3], 0)])
    assert alone.track.tolist() == [0, 1, 2]
    empty = [visit(f"sub-M1/ses-{k}", CELLS[:0], 0) for k in range(2)]
    assert method.run(empty).track.tolist() == []
    one_empty = method.run([visit("sub-M1/ses-0", CELLS, 0), visit("sub-M1/ses-1", CELLS[:0], 0)])
    assert np.bincount(one_empty.track[one_empty.track >= 0]).max() == 1
