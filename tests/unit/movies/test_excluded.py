"""The file in the column `exclude`: frames, intervals or a mask, and what is wrong with one."""

import re

import numpy as np
import pytest

from groundtrace.errors import InputError
from groundtrace.movies.excluded import read_excluded

TIME = np.arange(100) / 10


def excluded(path) -> list[int]:
    return np.flatnonzero(read_excluded(path).mask(TIME)).tolist()


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("3\n5\n6\n", [3, 5, 6]),
        ("frame\n3\n5\n", [3, 5]),
        ("# licks\nframes\n5\n5\n", [5]),
        ("start\tend\n0\t0.25\n9.75\t60\n", [0, 1, 2, 98, 99]),
        ("Start,End\r\n1.0,1.2\r\n", [10, 11]),
        ("stop;start\n1.2;1\n", [10, 11]),
        ("start_time stop_time\n-1 0.1\n", [0]),
    ],
)
def test_text_lists_frames_or_intervals(tmp_path, text, frames):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    assert excluded(path) == frames


@pytest.mark.parametrize("values", [np.array([4, 7]), np.array([4.0, 7.0]), np.isin(np.arange(100), (4, 7))])
def test_arrays_are_frames_or_a_mask(tmp_path, values):
    path = tmp_path / "bad_frames.npy"
    np.save(path, values)
    assert excluded(path) == [4, 7]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("frame\n", "is empty"),
        ("1 2\n3 4\n", "has no header"),
        ("start,end\n1,2\n3\n", "lines of several lengths"),
        ("start,end\n1,two\n", "'two' is no number"),
        ("from,to\n1,2\n", "columns from, to are not known"),
        ("frame\n1.5\n", "1.5 is no 0-based frame"),
        ("-1\n", "-1 is no 0-based frame"),
        ("start,end\n2,1\n", "2 to 1 s has no length"),
        ("frame\n99\n100\n", "frame 100 is outside the recording, whose 100 frames"),
        ("start,end\n12,13\n", "12 to 13 s is outside the recording, which lasts 9.9 s"),
        ("start,end\n0,13\n", "excludes 100 of 100 frames"),
    ],
)
def test_what_is_wrong_names_the_file_and_what_is_allowed(tmp_path, text, said):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*{re.escape(said)}"):
        excluded(path)


def test_arrays_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "bad_frames.npy"
    np.save(path, np.zeros(99, bool))
    with pytest.raises(InputError, match="is a mask of 99 frames, the recording has 100"):
        excluded(path)
    np.save(path, np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"float64 of shape \(2, 3\)"):
        excluded(path)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"cannot be read as \.npy"):
        excluded(path)
    with pytest.raises(InputError, match="does not exist"):
        excluded(tmp_path / "gone.npy")
