"""Verdicts that Suite2p keeps become decisions of this study."""

import numpy as np
import polars as pl
import pytest

from groundtrace.curation.adopt import REASON, edited, foreign, joined
from groundtrace.curation.apply import curated
from groundtrace.curation.file import Decision
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import outlines
from tests.unit.curation.test_apply_curation import decisions_on, measured, rois_at

MOVIE = np.random.default_rng(1).uniform(50, 200, (30, 40, 40)).astype(np.float32)


def told(decisions) -> dict[int | None, tuple[bool, str]]:
    return {one.roi: (one.accepted, one.reason) for one in decisions}


def after(decided) -> pl.DataFrame:
    found = rois_at()
    return curated(found, measured(found, MOVIE), decided)[0]


def test_what_was_changed_in_the_gui_is_decided_and_nothing_else():
    rois = after(())
    verdict = rois["accepted"].to_numpy().copy()
    assert edited(rois, verdict, (), "plane0") == []
    verdict[[1, 2]] = [False, True]
    assert told(edited(rois, verdict, (), "plane0")) == {1: (False, REASON), 2: (True, "")}


def test_a_merged_roi_is_decided_with_its_parts_and_notes_stay():
    held = decisions_on(rois_at(), (0, True, "", "0"), (1, True, "", "0"), (3, False, "glia", ""))
    rois = after(held)
    verdict = rois["accepted"].to_numpy().copy()
    verdict[[6, 3, 0]] = [False, True, True]
    new = edited(rois, verdict, held, "plane0")
    assert told(new) == {3: (True, ""), 0: (False, REASON), 1: (False, REASON)}
    whole = joined(held, new)
    assert told(whole) == {3: (True, ""), 0: (False, REASON), 1: (False, REASON)}
    assert [one.merge for one in sorted(whole, key=lambda one: one.roi or 0)] == ["0", "0", ""]


def test_a_folder_of_other_rois_is_an_error():
    with pytest.raises(InputError, match=r"plane0: iscell\.npy has 9 ROIs, the results 6: it was exported of others"):
        edited(after(()), np.ones(9, bool), (), "plane0")


def test_verdicts_about_rois_of_suite2p_go_to_those_that_lie_there():
    found = rois_at()
    theirs = rois_at(((21, 5), (4, 20), (10, 34), (36, 20)), [True] * 4)
    decided, lost = foreign(found, outlines(theirs), np.array([False, True, True, False]), ())
    assert told(decided) == {3: (False, REASON), 2: (True, ""), None: (True, "")}
    assert lost == 1
    np.testing.assert_array_equal(decided[0].outline, outlines(found)[3])
    # Once more: the same, and not twice.
    again, _ = foreign(found, outlines(theirs), np.array([False, True, True, False]), decided)
    assert told(joined(decided, again)) == told(decided)
    assert len(joined(decided, again)) == 3


def test_newer_decisions_replace_those_about_the_same_rois():
    drawn = outlines(rois_at())
    held = [Decision(2, 0, True, note="kept", outline=drawn[0]), Decision(3, 1, True, outline=drawn[1])]
    new = [Decision(0, 1, False, REASON, outline=drawn[1])]
    assert told(joined(held, new)) == {0: (True, ""), 1: (False, REASON)}
