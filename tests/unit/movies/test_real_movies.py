"""Recordings of real microscopes come in whole, with figures that make sense."""

import numpy as np
import pytest
import tifffile

from groundtrace.movies.file import open_movie
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session


def session(path: str, **changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": path, "indicator": "GCaMP6s", "frame_rate": 30.0}
    return Session.model_validate(given | changes)


def test_compressed_movie_of_a_mouse(test_data, tmp_path):
    """128 × 128 × 2,000, PackBits; about 5 photons per pixel and frame."""
    given = session(str(test_data / "movies" / "mouse2p_128x128x2000.tiff"))
    found = ingest(given, given.files(), 0, tmp_path / "movie.npy")
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.npy"), tifffile.imread(given.files()[0]))
    row = found.quality.row(0, named=True)
    assert 2000 < row["gain"] < 2500
    assert 4 < row["photons"] < 6
    assert abs(row["brightness_drift"]) < 0.1
    assert (row["saturated"], row["blank_frames"], row["dropped_frames"]) == (0, 0, 0)
    assert (found.acquisition.dtype, found.acquisition.saturation) == ("uint16", 65535)


def test_three_imagej_trials_are_one_session(test_data, tmp_path):
    given = session(str(test_data / "movies" / "fissa_A0*.tif"), frame_rate=None)
    with pytest.raises(Exception, match="fill the column frame_rate"):
        ingest(given, given.files(), 0, tmp_path / "movie.npy")
    given = session(given.path, frame_rate=10.0)
    found = ingest(given, given.files(), 0, tmp_path / "movie.npy")
    expected = np.concatenate([tifffile.imread(path) for path in given.files()])
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.npy"), expected)
    assert [(source.name, source.frames) for source in found.acquisition.sources] == [
        (f"fissa_A0{trial}_176x156x288.tif", 288) for trial in (1, 2, 3)
    ]
    row = found.quality.row(0, named=True)
    assert 1 < row["gain"] < 2.5
    assert 0 < row["offset"] < 30
    assert (row["blank_frames"], row["dropped_frames"]) == (0, 0)
