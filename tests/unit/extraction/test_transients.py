from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

from groundtrace.extraction.base import Extraction
from groundtrace.extraction.transients import Transients
from groundtrace.testing.movies import Cells, task, with_cells
from tests.unit.extraction.scenes import disk_image


def extract(movie: np.ndarray, folder: Path, bad: np.ndarray | None = None, **settings) -> Extraction:
    bad = () if bad is None else np.flatnonzero(bad)
    return Transients(**settings).run(movie, task(movie, Path(mkdtemp(dir=folder)), bad))


@pytest.fixture(scope="module")
def truth() -> Cells:
    return with_cells((200, 96, 96), count=6)


@pytest.fixture(scope="module")
def silent() -> np.ndarray:
    """Four cells that fire, and one between them that does not."""
    cells = with_cells((200, 96, 96), count=4)
    light = 150 * disk_image((96, 96), 48, 48, 5)
    return cells.movie + np.random.default_rng(1).poisson(light, cells.movie.shape).astype(np.uint16)


@pytest.mark.parametrize("least", [0.0, 0.5])
def test_silent_cells_are_listed_measured_and_never_accepted(silent, least, tmp_path):
    found = extract(silent, tmp_path, min_probability=least)
    assert found.judgement is not None
    assert found.visible is not None
    assert found.visible.sum() == 1
    roi = int(np.flatnonzero(found.visible)[0])
    assert np.hypot(found.pixel_y[roi].mean() - 48, found.pixel_x[roi].mean() - 48) < 1
    assert np.isnan(found.judgement.cell_probability[roi])
    assert found.judgement.reasons[roi] == "does not fire"
    assert found.fluorescence[roi].mean() > found.neuropil[roi].mean() + 80
    assert not found.accepted[roi]
    assert found.judgement.quality.select("visible", "rois").row(0) == (1, (~found.visible).sum())


def test_silent_cells_can_be_left_out(silent, tmp_path):
    found = extract(silent, tmp_path, visible=False)
    assert found.visible is not None
    assert not found.visible.any()
    assert len(found.visible) == 4


def test_a_silent_movie_lists_its_silent_cells(tmp_path):
    """Nothing fires, and what is seen is still offered."""
    light = 100 + 150 * (disk_image((96, 96), 30, 30, 5) + disk_image((96, 96), 60, 60, 5))
    movie = np.random.default_rng(1).poisson(light, (200, 96, 96)).astype(np.uint16)
    found = extract(movie, tmp_path, diameter_px=10)
    assert found.visible is not None
    assert found.visible.sum() == 2
    assert not found.accepted.any()


def test_least_probabilities_decide_what_is_accepted_and_what_is_listed(truth, tmp_path):
    every, few = (extract(truth.movie, tmp_path, list_from=least) for least in (0.0, 0.6))
    strict = extract(truth.movie, tmp_path, min_probability=0.97)
    assert every.judgement
    assert few.judgement
    assert strict.judgement
    assert len(every.weight) > len(few.weight) >= 4
    listed = few.judgement.cell_probability
    assert (listed[np.isfinite(listed)] >= 0.6).all(), "cells that do not fire have none"
    chosen = every.judgement.cell_probability >= 0.6
    np.testing.assert_array_equal(every.judgement.cell_probability[chosen], listed[np.isfinite(listed)])
    assert (strict.accepted == (strict.judgement.cell_probability >= 0.97)).all()
    assert all(
        bool(reason) != accepted for reason, accepted in zip(strict.judgement.reasons, strict.accepted, strict=True)
    )


def test_no_more_rois_than_asked_for(truth, tmp_path):
    assert len(extract(truth.movie, tmp_path, max_rois=3, list_from=0, visible=False).weight) <= 3


@pytest.mark.parametrize(("dtype", "offset"), [("uint16", 40_000), ("int16", -5000), ("int32", 1_000_000)])
def test_every_integer_type_in_its_own_scale(truth, dtype, offset, tmp_path):
    """The detector's offset changes nothing but the traces, by itself."""
    plain = extract(truth.movie, tmp_path)
    moved = extract((truth.movie.astype(np.int64) + offset).astype(dtype), tmp_path)
    assert [len(part) for part in moved.pixel_y] == [len(part) for part in plain.pixel_y]
    np.testing.assert_array_equal(moved.accepted, plain.accepted)
    np.testing.assert_allclose(moved.fluorescence, plain.fluorescence + offset, atol=1 + 2e-6 * abs(offset))


def test_a_larger_gain_changes_no_verdict(truth, tmp_path):
    """Detector units of one photon are none of its business."""
    plain, loud = extract(truth.movie, tmp_path), extract(truth.movie * np.uint16(7), tmp_path)
    assert plain.judgement
    assert loud.judgement
    np.testing.assert_allclose(loud.judgement.cell_probability, plain.judgement.cell_probability, atol=0.05)
    np.testing.assert_array_equal(loud.accepted, plain.accepted)


def test_a_field_turned_over_has_the_same_cells(truth, tmp_path):
    plain, turned = extract(truth.movie, tmp_path), extract(np.ascontiguousarray(truth.movie.swapaxes(1, 2)), tmp_path)
    places = [
        sorted((round(float(y.mean())), round(float(x.mean()))) for y, x in zip(*rois, strict=True))
        for rois in ((plain.pixel_y, plain.pixel_x), (turned.pixel_x, turned.pixel_y))
    ]
    cells = [place for place in places[0] if min(np.hypot(truth.y - place[0], truth.x - place[1])) < 3]
    assert len(cells) == 6
    for y, x in cells:
        assert min(np.hypot(y - a, x - b) for a, b in places[1]) < 1.5
    assert plain.accepted.sum() == turned.accepted.sum()


def test_a_gap_costs_no_cell(truth, tmp_path):
    """A gap of fifty frames costs no cell, and its frames are measured all the same."""
    bad = np.zeros(200, bool)
    bad[60:110] = True
    found = extract(truth.movie, tmp_path, bad)
    assert found.accepted.sum() == 6
    assert found.fluorescence.shape[1] == 200
