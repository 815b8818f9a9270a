"""What ScanImage, ImageJ and OME-TIFF say about rate, planes, channels, pixel size and order is understood."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from groundtrace.movies.file import open_movie
from groundtrace.movies.ingest import ingest
from groundtrace.movies.opening import open_raw
from groundtrace.movies.raw import Metadata, Raw
from groundtrace.sessions import Session

MOVIE = np.random.default_rng(0).integers(0, 1000, (12, 6, 5)).astype("uint16")


def frames_of(raw: Raw) -> np.ndarray:
    images = np.empty((raw.frames, raw.height, raw.width), raw.dtype)
    raw.read(np.arange(raw.frames), images)
    return images


def scanimage(folder: Path, **values: Any) -> Metadata:
    settings = {"hRoiManager.scanFrameRate": 30, "hChannels.channelSave": 1, "hScan2D.logAverageFactor": 1} | values
    software = "\n".join(f"SI.{name} = {value}" for name, value in settings.items())
    with tifffile.TiffWriter(folder / "si.tif") as out:
        for image in MOVIE:
            out.write(image, contiguous=False, metadata=None, software=software)
    raw = open_raw(folder / "si.tif", "tiff")
    np.testing.assert_array_equal(frames_of(raw), MOVIE)
    return raw.metadata


STACK = {"hStackManager.enable": "true", "hStackManager.framesPerSlice": 1, "hRoiManager.scanVolumeRate": 7.28}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Metadata(30, planes=1, channels=1)),
        # The stack manager is on with one slice, and left-overs of an earlier stack lie about.
        (STACK | {"hStackManager.numSlices": 1, "hStackManager.numFramesPerVolume": 9}, Metadata(30, 1, 1)),
        (STACK | {"hStackManager.numSlices": 30, "hStackManager.actualNumSlices": 1}, Metadata(30, 1, 1)),
        # Off, with the slices of an earlier stack.
        (STACK | {"hStackManager.enable": "false", "hStackManager.numSlices": 9}, Metadata(30, 1, 1)),
        ({"hStackManager.framesPerSlice": "inf", "hStackManager.enable": "false"}, Metadata(30, 1, 1)),
        (STACK | {"hStackManager.numSlices": 4}, Metadata(7.28, 4, 1)),
        (STACK | {"hStackManager.numSlices": 4, "hChannels.channelSave": "[1;3]"}, Metadata(7.28, 4, 2)),
        (
            STACK
            | {
                "hStackManager.numSlices": 3,
                "hStackManager.numFramesPerVolume": 3,
                "hStackManager.numFramesPerVolumeWithFlyback": 4,
                "hChannels.channelSave": "[1 2]",
            },
            Metadata(7.28, 3, 2, flyback=2),
        ),
        # Five frames of each slice, averaged to one before they are saved: a volume takes as long as before.
        (
            STACK
            | {
                "hStackManager.numSlices": 4,
                "hStackManager.framesPerSlice": 5,
                "hStackManager.numFramesPerVolume": 20,
                "hStackManager.numFramesPerVolumeWithFlyback": 20,
                "hScan2D.logAverageFactor": 5,
            },
            Metadata(7.28, 4, 1),
        ),
        # In one plane every saved frame takes as long as the frames it averages.
        ({"hScan2D.logAverageFactor": 4}, Metadata(7.5, 1, 1)),
        # ScanImage 2015.
        (
            {
                "hFastZ.enable": "true",
                "hFastZ.numDiscardFlybackFrames": 1,
                "hStackManager.numSlices": 3,
                "hRoiManager.scanVolumeRate": 7.5,
            },
            Metadata(7.5, 3, 1, flyback=1),
        ),
        ({"hFastZ.enable": "true", "hStackManager.numSlices": 3}, Metadata(None, 3, 1)),
        (
            {"hRoiManager.imagingFovUm": "[-300 -300;300 -300;300 300;-300 300]", "hRoiManager.pixelsPerLine": 512},
            Metadata(30, 1, 1, pixel_size=600 / 512),
        ),
    ],
)
def test_scanimage(settings, expected, tmp_path):
    assert scanimage(tmp_path, **settings) == expected


def imagej(folder: Path, shape: tuple[int, ...], axes: str, **metadata: Any) -> Raw:
    options = {"resolution": metadata.pop("resolution")} if "resolution" in metadata else {}
    tifffile.imwrite(
        folder / "m.tif", MOVIE.reshape(*shape, 6, 5), imagej=True, metadata={"axes": axes, **metadata}, **options
    )
    return open_raw(folder / "m.tif", "tiff")


@pytest.mark.parametrize(
    ("shape", "axes", "planes", "channels"),
    [
        ((12,), "TYX", None, None),
        ((12,), "ZYX", None, None),
        ((12,), "CYX", None, None),
        ((6, 2), "TCYX", 1, 2),
        ((6, 2), "TZYX", 2, 1),
        ((6, 2), "ZCYX", 1, 2),
        ((3, 2, 2), "TZCYX", 2, 2),
    ],
)
def test_imagej_axes(shape, axes, planes, channels, tmp_path):
    raw = imagej(tmp_path, shape, axes)
    assert (raw.metadata.planes, raw.metadata.channels) == (planes, channels)
    np.testing.assert_array_equal(frames_of(raw), MOVIE)


@pytest.mark.parametrize(
    ("metadata", "rate", "pixel_size"),
    [
        ({"finterval": 0.1}, 10, None),
        ({"finterval": 100, "tunit": "ms"}, 10, None),
        ({"finterval": 0.0}, None, None),
        ({"fps": 7.0}, None, None),  # of playback
        ({"unit": "um", "resolution": (0.8, 0.8)}, None, 1.25),
        ({"unit": "micron", "resolution": (0.8, 0.8)}, None, 1.25),
        ({"unit": "\\u00B5m", "resolution": (0.8, 0.8)}, None, 1.25),
        ({"unit": "pixel", "resolution": (1, 1)}, None, None),
    ],
)
def test_imagej_rate_and_pixel_size(metadata, rate, pixel_size, tmp_path):
    found = imagej(tmp_path, (12,), "TYX", **metadata).metadata
    assert found.frame_rate == (pytest.approx(rate) if rate else None)
    assert found.pixel_size == (pytest.approx(pixel_size) if pixel_size else None)


def ome(
    folder: Path, order: str, sizes: dict[str, int], blocks: str = "", name: str = "m.ome.tif", **extra: str
) -> Raw:
    attributes = " ".join(f'{key}="{value}"' for key, value in extra.items())
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        f'<Pixels DimensionOrder="{order}" SizeC="{sizes["C"]}" SizeT="{sizes["T"]}" SizeZ="{sizes["Z"]}" '
        f'SizeX="5" SizeY="6" Type="uint16" {attributes}>{blocks or "<TiffData />"}</Pixels></Image></OME>'
    )
    with tifffile.TiffWriter(folder / name) as out:
        for image in MOVIE:
            out.write(image, contiguous=False, metadata=None, description=xml)
    return open_raw(folder / name, "tiff")


@pytest.mark.parametrize("order", ["XYCZT", "XYZCT", "XYCTZ", "XYTCZ", "XYZTC", "XYTZC"])
def test_ome_order_of_pages(order, tmp_path):
    """Page by page in a loop over the declared axes, the first the fastest."""
    sizes = {"T": 3, "Z": 2, "C": 2}
    expected = np.empty((3, 2, 2, 6, 5), "uint16")
    fast, middle, slow = order[2:]
    page = iter(MOVIE)
    for k in range(sizes[slow]):
        for j in range(sizes[middle]):
            for i in range(sizes[fast]):
                place = {slow: k, middle: j, fast: i}
                expected[place["T"], place["Z"], place["C"]] = next(page)
    raw = ome(tmp_path, order, sizes)
    assert (raw.metadata.planes, raw.metadata.channels) == (2, 2)
    np.testing.assert_array_equal(frames_of(raw), expected.reshape(12, 6, 5))


def test_ome_pages_in_the_places_that_tiffdata_names(tmp_path):
    """Written backwards in time."""
    blocks = "".join(f'<TiffData FirstT="{11 - page}" IFD="{page}" PlaneCount="1" />' for page in range(12))
    raw = ome(tmp_path, "XYCZT", {"T": 12, "Z": 1, "C": 1}, blocks)
    np.testing.assert_array_equal(frames_of(raw), MOVIE[::-1])


@pytest.mark.parametrize(
    ("extra", "rate", "pixel_size"),
    [
        ({"TimeIncrement": "0.1"}, 10, None),
        ({"TimeIncrement": "100", "TimeIncrementUnit": "ms"}, 10, None),
        ({"TimeIncrement": "0"}, None, None),
        ({"PhysicalSizeX": "1.25"}, None, 1.25),
        ({"PhysicalSizeX": "1250", "PhysicalSizeXUnit": "nm"}, None, 1.25),
        ({"PhysicalSizeX": "1", "PhysicalSizeXUnit": "pixel"}, None, None),
    ],
)
def test_ome_rate_and_pixel_size(extra, rate, pixel_size, tmp_path):
    found = ome(tmp_path, "XYCZT", {"T": 12, "Z": 1, "C": 1}, **extra).metadata
    assert found.frame_rate == (pytest.approx(rate) if rate else None)
    assert found.pixel_size == (pytest.approx(pixel_size) if pixel_size else None)


def test_ome_times_of_the_frames(tmp_path):
    """In any order and unit; a file that stamps some frames only, or all with the same time, has none."""
    sizes, stamps = {"T": 6, "Z": 1, "C": 2}, [0.0, 0.1, 0.2, 5.0, 5.1, 5.2]
    planes = [
        f'<Plane TheT="{t}" TheZ="0" TheC="{c}" DeltaT="{1000 * (stamps[t] + c / 100):.6f}" DeltaTUnit="ms" />'
        for t in range(6)
        for c in range(2)
    ]
    raw = ome(tmp_path, "XYCZT", sizes, "<TiffData />" + "".join(reversed(planes)))
    np.testing.assert_allclose(raw.times, np.repeat(stamps, 2) + np.tile([0, 0.01], 6))
    row = {"subject": "M01", "session": "1", "path": "as given", "channels": 2}
    with pytest.warns(UserWarning, match=r"the time stamps have 1 gap.*of 4.7 s or 47 frames"):
        found = ingest(Session.model_validate(row), [tmp_path / "m.ome.tif"], 0, tmp_path / "movie.npy")
    assert found.acquisition.frame_rate == pytest.approx(10)
    np.testing.assert_allclose(found.frames["time"], stamps)
    assert ome(tmp_path, "XYCZT", sizes, "<TiffData />" + "".join(planes[:-1])).times is None
    still = "".join(plane.replace("DeltaT=", 'DeltaT="0" Was=') for plane in planes)
    assert ome(tmp_path, "XYCZT", sizes, "<TiffData />" + still).times is None


def test_ome_times_of_slices_that_are_time_points(tmp_path):
    planes = "".join(f'<Plane TheT="0" TheZ="{z}" TheC="0" DeltaT="{z / 10}" />' for z in range(12))
    raw = ome(tmp_path, "XYZCT", {"T": 1, "Z": 12, "C": 1}, "<TiffData />" + planes)
    np.testing.assert_allclose(raw.times, np.arange(12) / 10)


def test_ome_acquisition_that_was_stopped_is_used_as_far_as_it_went(tmp_path):
    raw = ome(tmp_path, "XYCZT", {"T": 500, "Z": 2, "C": 1})
    assert (raw.frames, raw.metadata.planes) == (12, 2)


def test_ome_that_was_stopped_in_another_order_is_refused(tmp_path):
    with pytest.raises(
        Exception, match=r"has 12 pages in the order TZC .* tells of 500 times, 2 planes and 1 channels"
    ):
        ome(tmp_path, "XYTZC", {"T": 500, "Z": 2, "C": 1})


def test_more_files_than_a_process_may_hold_open(tmp_path):
    """One TIFF a frame, as some cameras write."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    movie = np.random.default_rng(0).integers(0, 1000, (300, 6, 5)).astype("uint16")
    for number, image in enumerate(movie):
        tifffile.imwrite(tmp_path / f"frame_{number}.tif", image, metadata=None)
    given = Session(subject="M01", session="001", path=str(tmp_path / "*.tif"), indicator="GCaMP6s", frame_rate=30)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        ingest(given, given.files(), 0, tmp_path / "movie.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.npy"), movie)
