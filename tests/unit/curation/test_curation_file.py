"""The file of what a person decided: what is read, and what is an error."""

import random

import numpy as np
import pytest

from groundtrace.curation.file import (
    COLUMNS,
    LIMIT,
    Decision,
    outline_of,
    outline_text,
    parse_curation,
    read_curation,
    write_curation,
)
from groundtrace.errors import InputError

SESSION = "sub-M01/ses-001"
SQUARE = (np.array([3, 3, 4, 4]), np.array([7, 8, 7, 8]))


def parse(text: str | bytes) -> tuple[Decision, ...]:
    return parse_curation(text if isinstance(text, bytes) else text.encode(), SESSION, 0, "default.tsv")


def test_what_is_written_is_read_again():
    decisions = [
        Decision(2, None, True, note="left of the vessel", outline=SQUARE),
        Decision(3, 12, False, "duplicate of ROI 4", 'a "ring"', outline=SQUARE),
        Decision(4, 4, True, merge="4"),
    ]
    text = write_curation(decisions, SESSION, 0)
    assert text.splitlines()[0].split("\t") == list(COLUMNS)
    read = parse(text)
    assert [one.roi for one in read] == [4, 12, None]
    assert [one.row for one in read] == [2, 3, 4]
    assert [(one.accepted, one.reason, one.note, one.merge) for one in read] == [
        (True, "", "", "4"),
        (False, "duplicate of ROI 4", 'a "ring"', ""),
        (True, "", "left of the vessel", ""),
    ]
    assert text == write_curation(read, SESSION, 0)


def test_a_table_by_hand_needs_only_numbers_and_verdicts():
    read = parse("roi\taccepted\n3\tTRUE\n5\t0\n\n7\tfalse\n")
    assert [(one.roi, one.accepted, one.outline) for one in read] == [
        (3, True, None),
        (5, False, None),
        (7, False, None),
    ]


def test_a_file_that_a_spreadsheet_saved_is_read(tmp_path):
    path = tmp_path / "default.tsv"
    path.write_bytes(b'\xef\xbb\xbfroi\taccepted\tnote\r\n3\tTRUE\t"two\nlines"\r\n')
    (one,) = read_curation(path, SESSION, 0)
    assert (one.roi, one.accepted, one.note) == (3, True, "two\nlines")


@pytest.mark.parametrize("seed", range(20))
def test_outlines_of_any_shape_are_the_same_pixels_again(seed):
    mask = np.random.default_rng(seed).random((9, 12)) < 0.4
    order = random.Random(seed).sample(range(int(mask.sum())), int(mask.sum()))
    y, x = (values[order] for values in np.nonzero(mask))
    found = outline_of(outline_text((y, x)))
    assert found is not None
    assert set(zip(*found, strict=True)) == set(zip(y, x, strict=True))


HEADER = "\t".join(COLUMNS)
FAULTS = {
    "unknown column": ("roi\taccepted\tnotes\n", "unknown column 'notes'; did you mean 'note'?"),
    "no verdict": ("roi\tnote\n", "needs the columns accepted, and roi or footprint"),
    "no roi": ("accepted\tnote\n", "needs the columns accepted, and roi or footprint"),
    "twice": ("roi\taccepted\troi\n", "column roi is there twice"),
    "empty": ("", "needs the columns accepted"),
    "commas": ("roi,accepted\n1,true\n", "unknown column 'roi,accepted'"),
    "text as verdict": ("roi\taccepted\n3\tmaybe\n", "line 2: accepted: 'maybe' is not allowed; write true or false"),
    "no verdict in a row": ("roi\taccepted\n3\t\n", "line 2: accepted: '' is not allowed"),
    "text as number": ("roi\taccepted\nthree\ttrue\n", "line 2: roi: 'three' is no number of a ROI"),
    "negative": ("roi\taccepted\n-1\ttrue\n", "line 2: roi: '-1' is no number"),
    "another session": ("session\troi\taccepted\nsub-M02/ses-001\t3\ttrue\n", "line 2: session: is of sub-M02/ses-001"),
    "another plane": ("plane\troi\taccepted\n1\t3\ttrue\n", "line 2: plane: is of plane 1"),
    "no pixels": ("footprint\taccepted\n12-13\ttrue\n", "line 2: footprint: '12-13' is not `y:first-last"),
    "backwards": ("footprint\taccepted\n4:9-3\ttrue\n", "line 2: footprint: '4:9-3' is not"),
    "nothing to know it by": ("roi\tfootprint\taccepted\n\t\ttrue\n", "line 2: neither roi nor footprint says"),
    "decided twice": ("roi\taccepted\n3\ttrue\n4\ttrue\n3\tfalse\n", "line 4: roi: 3 is decided in line 2 already"),
    "parts disagree": ("roi\taccepted\tmerge\n3\ttrue\t3\n4\tfalse\t3\n", "line 3: merge: '3' is one cell, and line 2"),
    "too many cells": ("roi\taccepted\n3\ttrue\tgood\n", "line 2: has 3 cells, the header 2"),
    "another alphabet": ("roi\taccepted\tnote\n3\ttrue\tµ\n".encode("latin-1"), "is no UTF-8 text"),
    "a movie": (b"\x00" * (LIMIT + 1), "which is no curation"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_line(text, said):
    with pytest.raises(InputError) as raised:
        parse(text)
    assert str(raised.value).startswith(f"default.tsv: {said}" if said.startswith("line") else "default.tsv: ")
    assert said in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_all_faults_are_told_at_once_up_to_a_number():
    with pytest.raises(InputError) as raised:
        parse("roi\taccepted\n" + "".join(f"{roi}\tyes\n" for roi in range(30)))
    lines = str(raised.value).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "default.tsv: and 22 more"
