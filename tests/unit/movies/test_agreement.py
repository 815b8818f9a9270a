"""Does the sheet agree with the images, and do the files belong together in the order they are read."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from groundtrace.errors import InputError
from groundtrace.movies.alternation import turns
from groundtrace.movies.ingest import ingest
from groundtrace.movies.raw import natural_order
from groundtrace.sessions import Session

pytestmark = pytest.mark.filterwarnings("error")


def session(**changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s", "frame_rate": 30.0}
    return Session.model_validate(given | changes)


def tissue(seed: int, side: int = 32) -> np.ndarray:
    spots = np.random.default_rng(seed).exponential(1, (side // 4, side // 4))
    return 20 + 60 * np.kron(spots, np.ones((4, 4)))


def movie(frames: int, *images: np.ndarray) -> np.ndarray:
    """Noisy views of images that take turns."""
    every = np.stack(images)[np.arange(frames) % len(images)]
    return np.random.default_rng(frames).poisson(every).astype("uint16")


@pytest.mark.parametrize("images", [1, 2, 3, 4, 6])
def test_images_that_take_turns_are_counted(images):
    found = movie(240, *(tissue(seed) for seed in range(images)))
    assert turns(found.astype(np.float32)) == images


def test_flicker_bleaching_and_drift_are_no_turns():
    light = 1 + 0.3 * np.cos(np.pi * np.arange(240)) - np.arange(240) / 600
    still = np.random.default_rng(0).poisson(tissue(0) * light[:, None, None]).astype(np.float32)
    moving = np.stack([np.roll(tissue(1), k // 40, axis=0) for k in range(240)])
    moving = np.random.default_rng(0).poisson(moving).astype(np.float32)
    # Light that flickers scales the tissue too: a third of it, each second frame, is a difference of images.
    assert turns(still / light[:, None, None]) == turns(moving) == 1


def test_forgotten_channels_are_told(tmp_path):
    np.save(tmp_path / "m.npy", movie(100, tissue(0), tissue(1)))
    with pytest.warns(UserWarning, match=r"alternate between 2 images with planes = 1 and channels = 1; correct"):
        found = ingest(session(), [tmp_path / "m.npy"], 0, tmp_path / "movie.npy")
    assert len(found.acquisition.notes) == 1
    ingest(session(channels=2), [tmp_path / "m.npy"], 0, tmp_path / "movie.npy")


def test_planes_that_are_one_are_told(tmp_path):
    np.save(tmp_path / "m.npy", movie(100, tissue(0)))
    with pytest.warns(UserWarning, match="mean images of the 2 planes are the same .* write 1 in the column planes"):
        ingest(session(planes=2), [tmp_path / "m.npy"], 0, tmp_path / "movie.npy")


def test_flyback_of_the_sheet_is_skipped(tmp_path):
    dark = np.full((32, 32), 3.0)
    np.save(tmp_path / "m.npy", movie(80, tissue(0), tissue(1), tissue(2), dark))
    for plane in range(3):
        ingest(session(planes=3, flyback=1), [tmp_path / "m.npy"], plane, tmp_path / "movie.npy")
        mean = np.load(tmp_path / "movie.npy").mean(axis=0)
        assert np.corrcoef(mean.ravel(), tissue(plane).ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    "names",
    [
        ["rec.tif", "rec-1.tif", "rec-2.tif", "rec-10.tif"],
        ["rec.ome.tif", "rec_1.ome.tif", "rec_2.ome.tif"],
        ["rec.tif", "rec 2.tif", "rec 3.tif"],
        ["m(2)/a.tif", "m(10)/a.tif"],
        ["run_00001.tif", "run_00002.tif", "run_100000.tif"],
    ],
)
def test_natural_order(names):
    assert natural_order(map(Path, reversed(names))) == [Path(name) for name in names]


def of_a_data_set(folder: Path, channels: int, files: dict[str, list[tuple[int, int]]]) -> list[Path]:
    """OME-TIFF files that hold images (time, channel), of value 100 × channel + time."""
    places = [(name, page, *place) for name, held in files.items() for page, place in enumerate(held)]
    blocks = "".join(
        f'<TiffData IFD="{page}" FirstC="{c}" FirstT="{t}" PlaneCount="1"><UUID FileName="{name}">u</UUID></TiffData>'
        for name, page, t, c in places
    )
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image><Pixels DimensionOrder="XYCZT" '
        f'SizeC="{channels}" SizeT="{len(places) // channels}" SizeZ="1">{blocks}</Pixels></Image></OME>'
    )
    for name, held in files.items():
        with tifffile.TiffWriter(folder / name) as out:
            for t, c in held:
                image = np.random.default_rng(t).integers(0, 99, (6, 5)).astype("uint16")
                image[0, 0] = 100 * c + t
                out.write(image, description=xml, contiguous=False, metadata=None)
    return natural_order(folder.glob("*.tif"))


def test_files_of_a_data_set_come_in_the_order_of_its_metadata(tmp_path):
    """A file for each channel and time, all of one channel first, as a glob lists them."""
    files = of_a_data_set(tmp_path, 2, {f"Ch{c}_{t}.ome.tif": [(t, c)] for c in range(2) for t in range(12)})
    ingest(session(channels=2, functional_channel=2), files, 0, tmp_path / "movie.npy")
    assert np.load(tmp_path / "movie.npy")[:, 0, 0].tolist() == [100 + t for t in range(12)]


def test_a_file_for_each_channel_is_refused(tmp_path):
    files = of_a_data_set(tmp_path, 2, {f"Ch{c}.ome.tif": [(t, c) for t in range(12)] for c in range(2)})
    with pytest.raises(InputError, match="2 files of a data set in which planes or channels are files of their own"):
        ingest(session(channels=2), files, 0, tmp_path / "movie.npy")


def test_a_palette_is_for_display(tmp_path):
    images = movie(20, tissue(0)).clip(max=255).astype("uint8")
    with tifffile.TiffWriter(tmp_path / "m.tif") as out:
        for image in images:
            palette = np.zeros((3, 256), "uint16")
            out.write(image, photometric="palette", colormap=palette, metadata=None, contiguous=False)
    ingest(session(), [tmp_path / "m.tif"], 0, tmp_path / "movie.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), images)


def test_an_image_sequence_keeps_the_count_of_its_stack(tmp_path):
    images = movie(20, tissue(0))
    for number, image in enumerate(images):
        described = "ImageJ=1.54f\nimages=20\nslices=20\n"
        tifffile.imwrite(tmp_path / f"m{number:04}.tif", image, metadata=None, description=described)
    ingest(session(), natural_order(tmp_path.glob("m*.tif")), 0, tmp_path / "movie.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), images)
