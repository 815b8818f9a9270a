"""What ScanImage writes of its frames, its older headers, and its several scan fields."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from groundtrace.errors import InputError
from groundtrace.movies.ingest import ingest
from groundtrace.movies.opening import open_raw
from groundtrace.movies.raw import Metadata
from groundtrace.sessions import Session

RATE = 30.0


def session(**changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s"}
    return Session.model_validate(given | changes)


def numbered(frames: int, first: int = 0) -> np.ndarray:
    """Noise about each frame's number, which pixel (0, 0) holds."""
    movie = np.random.default_rng(first).poisson(50, (frames, 6, 5)).astype("int16")
    movie[:, 0, 0] = np.arange(first, first + frames)
    return movie


def write(path: Path, movie: np.ndarray, numbers=None, rois: Any = None, step: int = 1, **settings: Any) -> Path:
    values = {"hRoiManager.scanFrameRate": RATE, "hChannels.channelSave": 1} | settings
    software = "\n".join(f"SI.{name} = {value}" for name, value in values.items())
    numbers = range(len(movie)) if numbers is None else numbers
    extra = [(315, "s", 0, json.dumps(rois), True)] if rois else []
    with tifffile.TiffWriter(path) as out:
        for number, image in zip(numbers, movie, strict=True):
            header = f"frameNumberAcquisition = {number * step + 1}\nframeTimestamps_sec = {number / RATE:.9f}\n"
            out.write(image, contiguous=False, metadata=None, software=software, description=header, extratags=extra)
    return path


STACK = {
    "hStackManager.enable": "true",
    "hStackManager.numSlices": 3,
    "hStackManager.framesPerSlice": 1,
    "hRoiManager.scanVolumeRate": RATE / 3,
}


def test_lost_frames_are_counted_and_times_show_them(tmp_path):
    kept = [*range(20), *range(26, 40)]
    path = write(tmp_path / "m.tif", numbered(34), kept)
    with pytest.warns(UserWarning, match=r"1 gap, .*: 0\.2 s \(6 frames\) after 20 frames \(0\.6333 s\);"):
        found = ingest(session(), [path], 0, tmp_path / "movie.npy")
    np.testing.assert_allclose(found.frames["time"], np.array(kept) / RATE, atol=1e-6)
    assert found.frames["segment"].to_list() == [0] * 20 + [1] * 14


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([*range(30), *range(10, 20)], "run back 1 time, first after 30 frames; there a segment ends"),
        ([*range(20), *range(21, 81, 2)], "19 of 50 frames follow sooner than the usual 0.06667 s, after 0.03333 s"),
        ([1000 * frame for frame in range(40)], r"0\.03 Hz is no likely frame rate; are its times in seconds\?"),
    ],
)
def test_stamps_that_cannot_be_right_are_told(stamps, said, tmp_path):
    known = {"hRoiManager.scanFrameRate": 1 / float(np.median(np.diff(stamps))) * RATE}
    path = write(tmp_path / "m.tif", numbered(len(stamps)), stamps, **known)
    with pytest.warns(UserWarning, match=said):
        ingest(session(), [path], 0, tmp_path / "movie.npy")


@pytest.mark.parametrize("step", [1, 4])
def test_an_acquisition_that_starts_again_starts_at_its_first_plane(step, tmp_path):
    """The first was stopped after plane 0; frames that were averaged are numbered by the last of them."""
    files = [write(tmp_path / "a.tif", numbered(13), step=step, **STACK), write(tmp_path / "b.tif", numbered(12, 100))]
    write(files[1], numbered(12, 100), step=step, **STACK)
    with pytest.warns(UserWarning, match="1 raw frames, the first of them number 12, belong to volumes"):
        found = ingest(session(planes=3), files, 1, tmp_path / "movie.npy")
    assert np.load(tmp_path / "movie.npy")[:, 0, 0].tolist() == [1, 4, 7, 10, 101, 104, 107, 110]
    assert found.frames["segment"].to_list() == [0] * 4 + [1] * 4


def test_planes_are_those_of_the_numbers_after_lost_frames(tmp_path):
    kept = [*range(7), *range(11, 24)]
    movie = numbered(24)[kept]
    with pytest.warns(UserWarning, match="belong to volumes of which others are missing"):
        ingest(session(planes=3), [write(tmp_path / "m.tif", movie, kept, **STACK)], 0, tmp_path / "movie.npy")
    assert np.load(tmp_path / "movie.npy")[:, 0, 0].tolist() == [0, 3, 12, 15, 18, 21]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hRoiManager.scanFrameRate": 15.0}, "its frame rate is 15 Hz, that of a.tif 30 Hz"),
        ({"hRoiManager.scanZoomFactor": 2}, "its zoom is 2, that of a.tif 1"),
        (
            {"hRoiManager.imagingFovUm": "[-4 -4;4 -4;4 4;-4 4]"},
            "its pixel size is 1.6 µm, that of a.tif 3.2 µm",
        ),
    ],
)
def test_files_of_other_settings_are_refused(changed, told, tmp_path):
    common = {
        "hRoiManager.imagingFovUm": "[-8 -8;8 -8;8 8;-8 8]",
        "hRoiManager.pixelsPerLine": 5,
        "hRoiManager.scanZoomFactor": 1,
    }
    files = [
        write(tmp_path / "a.tif", numbered(9), **common),
        write(tmp_path / "b.tif", numbered(9), **common | changed),
    ]
    with pytest.raises(InputError) as caught:
        ingest(session(frame_rate=30.0), files, 0, tmp_path / "movie.npy")
    assert f"b.tif: {told}; files of a session must be alike: use one row for each" in str(caught.value)


def described(folder: Path, description: str) -> Metadata:
    with tifffile.TiffWriter(folder / "m.tif") as out:
        for image in numbered(8):
            out.write(image, contiguous=False, metadata=None, description=description)
    return open_raw(folder / "m.tif", "tiff").metadata


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (
            "state.configName='a'\rstate.acq.frameRate=7.8125\rstate.acq.numberOfChannelsSave=2\rstate.acq.zoomFactor=3\r",
            Metadata(7.8125, channels=2, zoom=3.0),
        ),
        (
            "state.configName='a'\rstate.acq.frameRate=30\rstate.acq.averaging=1\rstate.acq.numAvgFramesSave=4\r",
            Metadata(7.5),
        ),
        (
            "Frame Number = 1\nscanimage.SI4.scanFrameRate = 30\nscanimage.SI4.channelsSave = [1;2]\n"
            "scanimage.SI4.stackNumSlices = 3\nscanimage.SI4.fastZEnable = true\n"
            "scanimage.SI4.fastZNumDiscardFrames = 1\n",
            Metadata(None, 3, 2, flyback=2),
        ),
        (
            "frameNumbers = 1\nscanimage.SI.hRoiManager.scanFrameRate = 30\n"
            "scanimage.SI.hChannels.channelSave = [1;2]\n",
            Metadata(30.0, 1, 2),
        ),
    ],
)
def test_older_versions_describe_themselves_in_the_pages(description, expected, tmp_path):
    assert described(tmp_path, description) == expected


def regions(*sizes: tuple[int, int], enable: int = 1) -> dict[str, Any]:
    """(rows, columns) of each scan field, a degree wide."""
    rois = [
        {"enable": enable, "scanfields": {"sizeXY": [1.0, 1.0], "pixelResolutionXY": [columns, rows]}}
        for rows, columns in sizes
    ]
    return {"RoiGroups": {"imagingRoiGroup": {"rois": rois}}}


MROI = {"hRoiManager.mroiEnable": "true"}


def test_each_scan_field_is_a_movie_of_its_own(tmp_path):
    fields = [np.random.default_rng(k).poisson(50, (20, rows, 5)).astype("int16") for k, rows in enumerate((6, 4))]
    between = np.zeros((20, 3, 5), "int16")
    image = np.concatenate([fields[0], between, fields[1]], axis=1)
    path = write(tmp_path / "m.tif", image, rois=regions((6, 5), (4, 5)), **MROI | {"objectiveResolution": 15.0})
    with pytest.raises(InputError, match=r"is 2 scan fields.*one row for each, with .* scan_field = 1 to 2"):
        ingest(session(), [path], 0, tmp_path / "movie.npy")
    with pytest.raises(InputError, match="has 2 scan field"):
        ingest(session(scan_field=3), [path], 0, tmp_path / "movie.npy")
    for number, expected in enumerate(fields, start=1):
        found = ingest(session(scan_field=number), [path], 0, tmp_path / "movie.npy").acquisition
        np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), expected)
        assert found.pixel_size == pytest.approx(3.0)


def test_scan_fields_in_several_planes_are_refused(tmp_path):
    path = write(tmp_path / "m.tif", numbered(12), rois=regions((3, 5), (3, 5)), **MROI, **STACK)
    with pytest.raises(InputError, match=r"has 2 scan fields in each of 3 planes.*save each field as a TIFF file"):
        ingest(session(planes=3, scan_field=1), [path], 0, tmp_path / "movie.npy")


@pytest.mark.parametrize("settings", [MROI, {}])
def test_rows_of_scan_fields_are_those_of_suite2ps_json(settings, tmp_path):
    """For files that have lost their own, which tell no pixel size either; another JSON is another recording."""
    image = np.random.default_rng(0).poisson(50, (20, 13, 5)).astype("int16")
    path = write(tmp_path / "m.tif", image, **settings)
    (tmp_path / "m.json").write_text(json.dumps({"mesoscan": 1, "lines": [[*range(6)], [*range(9, 13)]]}))
    hashes = set()
    for number, rows in ((1, slice(0, 6)), (2, slice(9, 13))):
        found = ingest(session(scan_field=number, pixel_size=2.5), [path], 0, tmp_path / "movie.npy").acquisition
        np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), image[:, rows])
        assert found.pixel_size == 2.5
        hashes.add(found.sources[0].sha256)
    (tmp_path / "m.json").write_text(json.dumps({"lines": [[*range(7)], [*range(9, 13)]]}))
    found = ingest(session(scan_field=1), [path], 0, tmp_path / "movie.npy").acquisition
    assert found.height == 7
    assert len(hashes | {found.sources[0].sha256}) == 2
    (tmp_path / "m.json").write_text(json.dumps({"lines": [[0, 2, 4]]}))
    with pytest.raises(InputError, match=r"m.json: `lines` must be a list of consecutive rows, from 0 to 12"):
        ingest(session(scan_field=1), [path], 0, tmp_path / "movie.npy")


@pytest.mark.parametrize("rois", [None, regions((6, 5), (6, 5)), {"RoiGroups": {}}])
def test_scan_fields_whose_rows_are_not_told_are_refused(rois, tmp_path):
    path = write(
        tmp_path / "m.tif", np.concatenate([numbered(9)] * 2 + [numbered(9)[:, :-1]], axis=1), rois=rois, **MROI
    )
    if rois and rois["RoiGroups"]:
        rois["RoiGroups"]["imagingRoiGroup"]["rois"] *= 2
        path = write(tmp_path / "m.tif", numbered(9), rois=rois, **MROI)
    with pytest.raises(InputError, match=r"mroiEnable\).*split it into one TIFF file for each field"):
        ingest(session(), [path], 0, tmp_path / "movie.npy")
