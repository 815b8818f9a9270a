"""Which raw frames are whose, how many there are, and how fast they came."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtrace.movies.ingest import ingest
from groundtrace.movies.layout import Layout, lay_out
from groundtrace.movies.opening import open_raw
from groundtrace.movies.raw import Metadata
from groundtrace.sessions import Session


def session(**changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s", "frame_rate": 30.0}
    return Session.model_validate(given | changes)


def numbered(folder: Path, frames: int, name: str = "m.npy") -> Path:
    """Every frame full of its own number, but for one pixel."""
    movie = np.repeat(np.arange(frames, dtype="uint16"), 20).reshape(frames, 4, 5)
    movie[:, 0, 0] = 9999
    np.save(folder / name, movie)
    return folder / name


@given(planes=st.integers(1, 5), channels=st.integers(1, 3), flyback=st.integers(0, 2), volumes=st.integers(2, 6))
def test_frames_are_those_of_a_loop_over_time_plane_and_channel(planes, channels, flyback, volumes):
    expected: dict[tuple[int, int], list[int]] = {}
    number = 0
    for _ in range(volumes):
        for plane in range(planes):
            for channel in range(1, channels + 1):
                expected.setdefault((plane, channel), []).append(number)
                number += 1
        number += flyback * channels
    layout = Layout(planes, channels, np.arange(volumes) * (planes + flyback) * channels)
    for (plane, channel), frames in expected.items():
        assert layout.frames(plane, channel).tolist() == frames


@pytest.mark.parametrize(("frames", "volumes", "left"), [(24, 4, 0), (25, 4, 1), (29, 4, 5), (30, 5, 0)])
def test_an_incomplete_last_volume_is_left_out_with_a_warning(frames, volumes, left, tmp_path):
    raw = open_raw(numbered(tmp_path, frames), "npy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layout = lay_out(session(planes=6), [raw])
    assert layout.volumes == volumes
    assert [f"incomplete ({left} of 6 raw frames)" in str(each.message) for each in caught] == [True] * bool(left)


@pytest.mark.parametrize(("frames", "volumes"), [(9, 2), (10, 2), (11, 2), (12, 2), (13, 2), (14, 3), (15, 3)])
def test_a_volume_that_lacks_only_flyback_counts(frames, volumes, tmp_path):
    raw = open_raw(numbered(tmp_path, frames), "npy")
    raw.metadata = Metadata(planes=4, flyback=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert lay_out(session(planes=4), [raw]).volumes == volumes


@pytest.mark.parametrize("sizes", [(7, 9, 8), (1, 22, 1), (24,), (2, 2, 20)])
def test_planes_go_on_across_files(sizes, tmp_path):
    movie = np.load(numbered(tmp_path, 24))
    files = []
    for number, part in enumerate(np.split(movie, np.cumsum(sizes)[:-1])):
        files.append(tmp_path / f"part_{number}.npy")
        np.save(files[-1], part)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = ingest(session(planes=3), files, 1, tmp_path / "out.npy")
    assert np.load(tmp_path / "out.npy")[:, 1, 1].tolist() == list(range(1, 24, 3))
    assert [source.frames for source in found.acquisition.sources] == list(sizes)
    inside = sum(size % 3 != 0 for size in sizes[:-1])
    told = [f"as do {inside - 1} other files of the session"] * bool(inside)
    assert [text in str(each.message) for text, each in zip(told, caught, strict=True)] == [True] * len(told)


def with_rate(folder: Path, rate: float | None, planes_known: bool = False) -> Path:
    import h5py

    movie = np.load(numbered(folder, 24))
    with h5py.File(folder / "m.h5", "w") as store:
        store["data"] = movie.reshape(8, 3, 4, 5) if planes_known else movie
        if rate is not None:
            store["data"].attrs["frame_rate"] = rate
    return folder / "m.h5"


def rate_of(path: Path, **changes) -> float:
    return ingest(session(**changes), [path], 0, path.parent / "out.npy").acquisition.frame_rate


def test_frame_rate_of_the_sheet_wins_and_a_difference_is_told(tmp_path):
    path = with_rate(tmp_path, 30.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rate_of(path, frame_rate=30.5) == 30.5
    with pytest.warns(UserWarning, match=r"m\.h5: its metadata says 30 Hz per plane, the sheet 25 Hz, which is used"):
        assert rate_of(path, frame_rate=25.0) == 25.0


def test_frame_rate_of_the_file_is_used_when_the_sheet_has_none(tmp_path):
    assert rate_of(with_rate(tmp_path, 29.97), frame_rate=None) == pytest.approx(29.97)


def test_rate_of_single_frames_is_divided_by_the_planes(tmp_path):
    assert rate_of(with_rate(tmp_path, 30.0), planes=3, frame_rate=None) == 10.0


def test_rate_of_a_file_that_knows_its_planes_is_that_of_a_plane(tmp_path):
    assert rate_of(with_rate(tmp_path, 30.0, planes_known=True), planes=3, frame_rate=None) == 30.0


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_senseless_rate_of_the_file_counts_as_none(rate, tmp_path):
    with pytest.raises(ValueError, match="frame_rate"):
        session(frame_rate=rate)
    from groundtrace.errors import InputError

    with pytest.raises(InputError, match=r"fill the column frame_rate \(Hz\)"):
        rate_of(with_rate(tmp_path, rate), frame_rate=None)


def test_hash_and_names_of_the_sources(tmp_path):
    import hashlib

    paths = [numbered(tmp_path, 9, "a.npy"), numbered(tmp_path, 12, "b.npy")]
    sources = ingest(session(), paths, 0, tmp_path / "out.npy").acquisition.sources
    assert [source.name for source in sources] == ["a.npy", "b.npy"]
    assert [source.sha256 for source in sources] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def test_what_the_sheet_says_is_in_the_acquisition(tmp_path):
    given = session(planes=2, channels=2, functional_channel=2, location="V1", date="2026-03-01", pixel_size=1.5)
    found = ingest(given, [numbered(tmp_path, 24)], 1, tmp_path / "out.npy").acquisition
    assert found.key == "sub-M01/ses-001_date-20260301"
    assert (found.plane, found.planes, found.channels, found.functional_channel) == (1, 2, 2, 2)
    assert (found.location, found.indicator, found.pixel_size, found.simulated) == ("V1", "GCaMP6s", 1.5, False)
    assert found.history == ()
