"""Arrays of MATLAB, streams of ThorImage, Suite2p's binary, volumes of newer Scanboxes, stamps of NWB."""

from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from scipy.io import savemat

from groundtrace.errors import InputError
from groundtrace.movies.ingest import ingest
from groundtrace.movies.opening import open_raw
from groundtrace.sessions import Session

pytestmark = pytest.mark.filterwarnings("error")
TISSUE = np.kron(np.random.default_rng(0).exponential(40, (12, 10)), np.ones((2, 2)))
MOVIE = np.random.default_rng(1).poisson(TISSUE, (60, 24, 20)).astype("uint16")


def session(**changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s", "frame_rate": 30.0}
    return Session.model_validate(given | changes)


def read(path: Path, tmp_path: Path, **changes) -> np.ndarray:
    ingest(session(**changes), [path], 0, tmp_path / "movie.npy")
    return np.load(tmp_path / "movie.npy")


def stored(path: Path, array: np.ndarray, matlab: bool = False, chunks: bool | None = None) -> Path:
    with h5py.File(path, "w", userblock_size=512 if matlab else 0) as store:
        store.create_dataset("Y", data=array, chunks=chunks)
    return path


@pytest.mark.parametrize("chunks", [None, True])
def test_axes_of_matlab_are_turned_round(chunks, tmp_path):
    path = stored(tmp_path / "m.mat", MOVIE.transpose(0, 2, 1), matlab=True, chunks=chunks)
    np.testing.assert_array_equal(read(path, tmp_path), MOVIE)


@pytest.mark.parametrize(("matlab", "axes"), [(False, (1, 2, 0)), (True, (2, 1, 0))])
def test_time_as_the_last_axis_is_seen_and_told(matlab, axes, tmp_path):
    path = stored(tmp_path / "m.h5", MOVIE.transpose(axes), matlab=matlab)
    with pytest.warns(UserWarning, match=r"whose last axis is taken for time: .* save the movie as \(T, Y, X\)"):
        np.testing.assert_array_equal(read(path, tmp_path), MOVIE)


def thor(folder: Path, **lsm) -> Path:
    values = {"pixelX": 20, "pixelY": 24, "frameRate": 30.0, **lsm}
    attributes = " ".join(f'{name}="{value}"' for name, value in values.items())
    (folder / "Experiment.xml").write_text(
        '<ThorImageExperiment><Wavelengths><Wavelength name="ChanA" /></Wavelengths>'
        f"<LSM {attributes} /></ThorImageExperiment>"
    )
    MOVIE.tofile(folder / "Image_0001_0001.raw")
    return folder / "Image_0001_0001.raw"


@pytest.mark.parametrize(
    ("lsm", "rate"), [({"averageMode": 0, "averageNum": 10}, 30), ({"averageMode": 1, "averageNum": 10}, 3), ({}, 30)]
)
def test_scans_that_thor_averaged_take_their_time(lsm, rate, tmp_path):
    found = ingest(session(frame_rate=None), [thor(tmp_path, **lsm)], 0, tmp_path / "movie.npy")
    assert found.acquisition.frame_rate == pytest.approx(rate)
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), MOVIE)


def test_a_stream_of_thor_needs_its_experiment(tmp_path):
    path = thor(tmp_path)
    (tmp_path / "Experiment.xml").unlink()
    with pytest.raises(InputError, match=r"Experiment\.xml, .* is not beside it; copy it there"):
        open_raw(path, "thor")


def test_what_suite2p_moved_is_told(tmp_path):
    MOVIE.astype("int16").tofile(tmp_path / "data.bin")
    np.save(tmp_path / "ops.npy", np.array({"Ly": 24, "Lx": 20, "fs": 15.0}, object))
    with pytest.warns(UserWarning, match="was moved frame by frame by Suite2p, .* use the raw movie"):
        found = ingest(session(frame_rate=None), [tmp_path / "data.bin"], 0, tmp_path / "movie.npy")
    assert found.acquisition.frame_rate == 15
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), MOVIE)
    (tmp_path / "ops.npy").unlink()
    with pytest.raises(InputError, match=r"no frame size \(Ly, Lx\) in an ops\.npy beside it"):
        open_raw(tmp_path / "data.bin", "suite2p")


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_movie_of_caiman_is_read_in_either_order(order, tmp_path):
    frames, height, width = MOVIE.shape
    path = tmp_path / f"m_rig__d1_{height}_d2_{width}_d3_1_order_{order}_frames_{frames}.mmap"
    pixels = MOVIE.transpose(2, 1, 0).reshape(height * width, frames).astype("<f4")
    path.write_bytes(np.asarray(pixels, order=order).tobytes(order=order))
    found = ingest(session(), [path], 0, tmp_path / "movie.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), MOVIE)
    assert found.acquisition.notes == ()
    assert session(path=str(path)).given == ("motion",)


def test_pixels_of_caiman_with_fractions_are_scaled_and_said(tmp_path):
    frames, height, width = MOVIE.shape
    path = tmp_path / f"m_rig__d1_{height}_d2_{width}_d3_1_order_F_frames_{frames}.mmap"
    values = (MOVIE / MOVIE.max()).astype("<f4")
    values[3, 2, 1] = np.nan
    path.write_bytes(values.transpose(0, 2, 1).tobytes())
    with pytest.warns(UserWarning, match="they are multiplied by 4096 and rounded"):
        ingest(session(), [path], 0, tmp_path / "movie.npy")
    movie = np.load(tmp_path / "movie.npy")
    values[3, 2, 1] = values[np.isfinite(values)].min()
    np.testing.assert_allclose(movie / 4096, values, atol=0.5 / 4096)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("movie.mmap", "its name does not tell its size"),
        ("m_d1_4_d2_4_d3_2_order_F_frames_2.mmap", "is a volume"),
        ("m_d1_4_d2_4_d3_1_order_C_frames_9.mmap", "is cut short, and holds one pixel after the other"),
    ],
)
def test_what_is_no_plane_of_caiman_is_refused(name, said, tmp_path):
    (tmp_path / name).write_bytes(np.ones(32, "<f4").tobytes())
    with pytest.raises(InputError, match=said):
        open_raw(tmp_path / name, "caiman")


@pytest.mark.parametrize(
    ("told", "planes"),
    [
        ({"volscan": 1, "otwave": [1, 2, 3]}, 3),
        ({"volscan": 0, "otwave": [1, 2, 3]}, 1),
        ({"volscan": 1, "otwave": [], "otparam": [0, 500, 4]}, 4),
        ({"volscan": 1, "otwave": [], "etl_table": np.arange(5.0)[:, None]}, 5),
        ({}, 1),
    ],
)
def test_planes_of_all_scanboxes(told, planes, tmp_path):
    (65535 - MOVIE).tofile(tmp_path / "m.sbx")
    info = {"scanmode": 1, "recordsPerBuffer": 24, "sz": [24, 20], "resfreq": 720.0, "config": {"lines": 24}}
    savemat(tmp_path / "m.mat", {"info": info | {"chan": {"nchan": 1}} | told})
    assert open_raw(tmp_path / "m.sbx", "scanbox").metadata.planes == planes


def test_chunks_that_are_not_in_the_store_are_told(tmp_path):
    import zarr

    array = zarr.create_array(tmp_path / "m.zarr", shape=MOVIE.shape, chunks=(10, 24, 20), dtype="uint16", fill_value=0)
    array[:50] = MOVIE[:50]
    with pytest.warns(UserWarning, match="1 of 6 chunks are not in the store and read as 0; if the recording was not"):
        found = ingest(session(), [tmp_path / "m.zarr"], 0, tmp_path / "movie.npy")
    assert found.acquisition.notes[0].startswith("m.zarr: 1 of 6 chunks")


def test_files_are_segments_and_single_images_are_not(tmp_path):
    """Without stamps nobody knows the pause between two files; time goes on at the rate."""
    for number, frames in enumerate((40, 20)):
        np.save(tmp_path / f"rec-{number}.npy", MOVIE[:frames])
    files = sorted(tmp_path.glob("rec-*.npy"))
    found = ingest(session(), files, 0, tmp_path / "movie.npy").frames
    assert found["segment"].to_list() == [0] * 40 + [1] * 20
    np.testing.assert_allclose(found["time"], np.arange(60) / 30)
    for number, image in enumerate(MOVIE):
        tifffile.imwrite(tmp_path / f"image-{number}.tif", image)
    images = sorted(tmp_path.glob("image-*.tif"))
    assert ingest(session(), images, 0, tmp_path / "movie.npy").frames["segment"].unique().to_list() == [0]


def test_pauses_that_timestamps_of_nwb_tell(tmp_path):
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    file = NWBFile("m", "m", datetime(2026, 3, 1, tzinfo=UTC))
    plane = file.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=510.0),
        description="plane",
        device=file.create_device(name="microscope"),
        excitation_lambda=920.0,
        indicator="GCaMP6s",
        location="V1",
    )
    times = np.arange(60) / 20 + np.where(np.arange(60) >= 30, 2.0, 0)
    data = MOVIE.transpose(0, 2, 1)
    series = TwoPhotonSeries(name="TwoPhotonSeries", data=data, imaging_plane=plane, unit="n.a.", timestamps=times)
    file.add_acquisition(series)
    with NWBHDF5IO(tmp_path / "m.nwb", "w") as out:
        out.write(file)
    with pytest.warns(UserWarning, match=r"1 gap, .*: 2 s \(40 frames\) after 30 frames \(1\.45 s\)"):
        found = ingest(session(frame_rate=None), [tmp_path / "m.nwb"], 0, tmp_path / "movie.npy")
    np.testing.assert_allclose(found.frames["time"], times)
    assert found.acquisition.frame_rate == pytest.approx(20)
