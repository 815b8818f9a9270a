"""AVI: grey values come back as they were written, or the file says what it has lost."""

from pathlib import Path

import av
import numpy as np
import pytest

from groundtrace.errors import InputError
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session

MOVIE = np.random.default_rng(0).integers(0, 256, (9, 26, 38)).astype("uint8")


def session(**changes) -> Session:
    return Session.model_validate({"subject": "M01", "session": "001", "path": "as given"} | changes)


def write(path: Path, movie: np.ndarray, codec: str, pixels: str, given: str = "gray") -> Path:
    """`given` are the pixels of `movie`, `pixels` those of the file."""
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=20)
        stream.height, stream.width, stream.pix_fmt = *movie.shape[1:3], pixels
        for image in movie:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=given)))
        out.mux(stream.encode())
    return path


def read(path: Path, **changes) -> np.ndarray:
    found = ingest(session(**changes), [path], 0, path.with_suffix(".npy"))
    assert found.acquisition.frame_rate * session(**changes).channels == pytest.approx(20)
    return np.load(path.with_suffix(".npy"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("codec", "pixels", "bits"),
    [
        ("rawvideo", "gray", 8),
        ("ffv1", "gray", 8),
        ("png", "gray", 8),
        ("ffv1", "gray16le", 16),
        ("ffv1", "gray10le", 10),
    ],
)
def test_grey_videos_are_as_written(codec, pixels, bits, tmp_path):
    movie = MOVIE if bits == 8 else (MOVIE.astype("uint16") << (bits - 8)) + 3
    np.testing.assert_array_equal(read(write(tmp_path / "m.avi", movie, codec, pixels, pixels)), movie)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("codec", "pixels"), [("rawvideo", "bgr24"), ("huffyuv", "rgb24")])
def test_grey_values_saved_as_three_equal_colours(codec, pixels, tmp_path):
    path = write(tmp_path / "m.avi", np.repeat(MOVIE[..., None], 3, axis=3), codec, pixels, pixels)
    np.testing.assert_array_equal(read(path), MOVIE)


def test_channels_take_turns_and_are_read_in_several_passes(tmp_path):
    path = write(tmp_path / "m.avi", MOVIE[:8], "ffv1", "gray")
    found = ingest(session(channels=2, functional_channel=2), [path], 0, tmp_path / "m.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "m.npy"), MOVIE[1:8:2])
    np.testing.assert_allclose(found.images["channel_1"], MOVIE[0:8:2].mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize(("codec", "pixels"), [("mjpeg", "yuvj420p"), ("mpeg4", "yuv420p")])
def test_a_compressed_video_is_told(codec, pixels, tmp_path):
    smooth = np.clip(MOVIE[:, :1, :1] // 2 + np.arange(38) + np.arange(26)[:, None], 0, 255).astype("uint8")
    with pytest.warns(UserWarning, match=rf"is compressed \({codec}\), .*; use the movie that it was made from"):
        found = read(write(tmp_path / "m.avi", smooth, codec, pixels))
    # A video of full range, or of 16 to 235.
    scaled = smooth if codec == "mjpeg" else 16 + smooth * (219 / 255)
    assert np.abs(found - scaled.astype(float)).mean() < 4


@pytest.mark.parametrize("cut", [300, 3000])
@pytest.mark.parametrize("codec", ["rawvideo", "ffv1"])
def test_a_video_that_was_cut_short_is_read_to_its_last_whole_frame(codec, cut, tmp_path):
    path = write(tmp_path / "m.avi", MOVIE, codec, "gray")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.warns(UserWarning, match=r"is cut short: its first \d of 9 frames are read"):
        found = read(path)
    assert 5 < len(found) < 9
    np.testing.assert_array_equal(found, MOVIE[: len(found)])


def test_videos_without_grey_values_are_refused(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (*MOVIE.shape, 3)).astype("uint8")
    for name, movie, codec, pixels, said in (
        ("colour", colours, "huffyuv", "rgb24", "colour.avi: is a colour video; export the grey values"),
        # The container has no word for 16 bits without a codec.
        ("raw", MOVIE.astype("uint16"), "rawvideo", "gray16le", "raw.avi: its pixels are rgb555le, which are no grey"),
    ):
        path = write(tmp_path / f"{name}.avi", movie, codec, pixels, pixels)
        with pytest.raises(InputError, match=said):
            ingest(session(), [path], 0, tmp_path / "m.npy")
