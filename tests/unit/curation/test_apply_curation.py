"""What a person decided, on the ROIs of the same extraction and of a later one; ROIs that are joined."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from groundtrace.curation.apply import curated, matched, overlap
from groundtrace.curation.file import Decision
from groundtrace.curation.tables import Curation
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import outlines
from groundtrace.extraction.readout import Readout
from groundtrace.extraction.tables import Fluorescence, Rois
from groundtrace.notices import noting
from groundtrace.tables import validate
from tests.tables import example

SIDE, FRAMES = 40, 30
PLACES = ((4, 4), (4, 10), (4, 20), (20, 4), (20, 20), (30, 30))
VERDICTS = [True, True, False, True, False, True]


def disk(y: int, x: int, radius: float = 3.2) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    inside, across = np.nonzero(np.hypot(rows - y, columns - x) < radius)
    return inside, across


def rois_at(places=PLACES, verdicts=VERDICTS, weights: str = "equal", radius: float = 3.2) -> pl.DataFrame:
    """The table Rois of disks; neighbours 6 px apart share pixels."""
    random, found = np.random.default_rng(0), [disk(y, x, radius) for y, x in places]
    weight = [random.uniform(0.5, 1, len(y)) if weights == "any" else np.ones(len(y)) for y, _ in found]
    weight = [w / w.sum() for w in weight]
    return example(
        Rois,
        pixel_y=[y for y, _ in found],
        pixel_x=[x for _, x in found],
        weight=weight,
        overlap=[np.zeros(len(y), bool) for y, _ in found],
        centroid_y=[y for y, _ in places],
        centroid_x=[x for _, x in places],
        area=[len(y) for y, _ in found],
        accepted=verdicts,
        reason=["" if yes else "small" for yes in verdicts],
        cell_probability=0.5,
    )


def measured(rois: pl.DataFrame, movie: np.ndarray) -> pl.DataFrame:
    """The table Fluorescence, as read from a movie with the weights of the footprints."""
    rows = [
        sparse.coo_array((w, (np.zeros(len(y), int), np.array(y) * SIDE + np.array(x))), shape=(1, SIDE * SIDE))
        for y, x, w in rois.select("pixel_y", "pixel_x", "weight").iter_rows()
    ]
    weighting = sparse.csr_array(sparse.vstack(rows))
    with ThreadPoolExecutor(1) as pool:
        cells, _ = Readout(weighting, weighting).measure(movie, pool)
    noise = np.array([(np.array(w) ** 2).sum() for w in rois["weight"]])
    extra = {"fluorescence_noise": noise, "neuropil_noise": noise, "dark": 7.0}
    return example(Fluorescence, fluorescence=cells, neuropil=cells / 2, **extra)


@pytest.fixture(scope="module")
def movie() -> np.ndarray:
    return np.random.default_rng(1).uniform(50, 200, (FRAMES, SIDE, SIDE)).astype(np.float32)


def decisions_on(rois: pl.DataFrame, *decided: tuple[int, bool, str, str]) -> list[Decision]:
    drawn = outlines(rois)
    return [
        Decision(line, roi, yes, reason, merge=merge, outline=drawn[roi])
        for line, (roi, yes, reason, merge) in enumerate(decided, start=2)
    ]


def test_a_verdict_stands_beside_the_automatic_one(movie):
    found = rois_at()
    decided = decisions_on(found, (0, False, "blood", ""), (2, True, "", ""), (3, True, "", ""), (5, False, "", ""))
    rois, fluorescence, table = curated(found, measured(found, movie), decided)
    validate(Rois, rois)
    validate(Curation, table)
    assert rois["accepted"].to_list() == [False, True, True, True, False, False]
    assert rois["accepted_automatically"].to_list() == VERDICTS
    assert rois["curated"].to_list() == [True, False, True, True, False, True]
    assert rois["reason"].to_list() == ["blood", "", "", "", "small", "rejected by hand"]
    assert fluorescence.equals(measured(found, movie))
    assert table["roi"].to_list() == [0, 2, 3, 5]
    assert table["iou"].to_list() == [1.0] * 4


def test_nobody_has_decided_anything(movie):
    found = rois_at()
    rois, _, table = curated(found, measured(found, movie), ())
    assert validate(Rois, rois)["accepted"].to_list() == VERDICTS
    assert not rois["curated"].any()
    assert rois.drop("accepted_automatically", "curated", "note", "merged").equals(found)
    assert table.is_empty()


@pytest.mark.parametrize("weights", ["equal", "any"])
def test_a_joined_roi_has_the_trace_that_its_footprint_reads_from_the_movie(movie, weights):
    """Also where the parts share pixels."""
    found = rois_at(weights=weights)
    parts = decisions_on(found, (0, True, "", "0"), (1, True, "", "0"))
    rois, fluorescence, _ = curated(found, measured(found, movie), parts)
    validate(Rois, rois)
    validate(Fluorescence, fluorescence)
    whole = rois.row(6, named=True)
    assert (whole["roi"], whole["kind"], whole["accepted"], whole["merged"]) == (6, "merged", True, [0, 1])
    both = {place for part in (0, 1) for place in zip(found["pixel_y"][part], found["pixel_x"][part], strict=True)}
    assert set(zip(whole["pixel_y"], whole["pixel_x"], strict=True)) == both
    assert whole["area"] == len(both) < sum(found["area"][:2])
    assert np.sum(whole["weight"]) == pytest.approx(1, abs=1e-5)
    again = measured(rois, movie)
    np.testing.assert_allclose(fluorescence["fluorescence"][6], again["fluorescence"][6], rtol=1e-5)
    assert fluorescence["fluorescence_noise"][6] == pytest.approx(again["fluorescence_noise"][6], rel=1e-5)
    assert fluorescence["dark"][6] == 7
    assert rois["accepted"].to_list() == [False, False, False, True, False, True, True]
    assert rois["reason"].to_list()[:2] == ["merged into ROI 6"] * 2


def test_equal_pixels_stay_equal_in_a_joined_roi(movie):
    """Parts of different size that share none: the plain mean over the union."""
    found = rois_at(((6, 6), (6, 25)), [True, True])
    rois, *_ = curated(found, measured(found, movie), decisions_on(found, (0, True, "", "a"), (1, True, "", "a")))
    weight = np.array(rois["weight"][2])
    np.testing.assert_allclose(weight, 1 / len(weight), rtol=1e-5)


def test_a_joined_roi_can_be_rejected_and_its_parts_agree(movie):
    found = rois_at()
    parts = decisions_on(found, (0, False, "glia", "x"), (1, False, "glia", "x"))
    rois, *_ = curated(found, measured(found, movie), parts)
    assert rois.row(6, named=True).items() >= {"accepted": False, "reason": "glia", "curated": True}.items()


def test_decisions_follow_their_cells_to_another_extraction(movie):
    """Other numbers, moved by a pixel, of another size; a cell that is gone is told, and stays in the table."""
    before = rois_at()
    decided = decisions_on(
        before, (0, False, "", ""), (2, True, "", ""), (3, True, "", "3"), (4, True, "", "3"), (5, True, "", "")
    )
    after = rois_at(((21, 5), (4, 20), (10, 34), (5, 5), (20, 19)), [True, False, True, True, True], radius=3.6)
    with noting() as said, pytest.warns(UserWarning, match="half of its pixels in common with ROI 5"):
        rois, _, table = curated(after, measured(after, movie), decided)
    assert table["roi"].to_list() == [3, 1, 0, 4, None]
    assert all(0.5 <= value <= 1 for value in table["iou"].drop_nulls())
    assert rois["accepted"].to_list() == [False, True, True, False, False, True]
    assert rois["merged"][5].to_list() == [0, 4]
    assert [one.plain["kind"] for one in said] == ["curation_unmatched"]
    assert "1 of 5 ROIs that a person decided on are no more" in said[0].plain["found"]


def test_a_merge_of_which_one_part_is_left_is_told(movie):
    before = rois_at()
    decided = decisions_on(before, (3, True, "", "3"), (4, True, "", "3"))
    after = rois_at(PLACES[:4], VERDICTS[:4])
    with noting() as said, pytest.warns(UserWarning, match="only one of their parts"):
        rois, *_ = curated(after, measured(after, movie), decided)
    assert {one.plain["kind"] for one in said} == {"curation_unmatched", "curation_merge_lost"}
    assert rois["accepted"].to_list() == [True, True, False, True]
    assert rois.height == 4


def test_each_decision_has_one_roi_and_each_roi_one_decision():
    """Of two on the same place the nearest in number; no ROI is decided twice."""
    found = rois_at(((4, 4), (4, 4), (4, 5)), [True] * 3)
    drawn = outlines(found)
    decided = [Decision(2, 1, True, outline=drawn[1]), Decision(3, 0, False, outline=drawn[0])]
    assert matched(decided, found) == ([1, 0], [1, 1])
    four = [Decision(line, None, True, outline=drawn[0]) for line in range(4)]
    assert sorted(at for at in matched(four, found)[0] if at is not None) == [0, 1, 2]


def test_a_roi_that_does_not_exist_is_an_error():
    with pytest.raises(InputError, match=r"default\.tsv: line 4: roi: there is no ROI 6, the extraction has 6"):
        matched([Decision(3, 5, True), Decision(4, 6, True)], rois_at(), "default.tsv")


def test_overlap_is_that_of_the_pixels():
    first, second = disk(10, 10), disk(10, 12)
    sets = [set(zip(*one, strict=True)) for one in (first, second)]
    expected = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert overlap([first], [second, disk(30, 30)]).toarray().tolist() == [[pytest.approx(expected), 0]]
    assert overlap([], [first]).shape == (0, 1)
