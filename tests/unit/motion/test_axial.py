import numpy as np
import polars as pl
import pytest
import tifffile
from scipy.ndimage import gaussian_filter, map_coordinates

from groundtrace.errors import InputError
from groundtrace.motion.axial.columns import with_axial_motion
from groundtrace.motion.axial.depth import frame_depths
from groundtrace.motion.axial.mode import axial_mode
from groundtrace.motion.tables import AXIAL, depth_of
from groundtrace.movies.z_stack import StackFile, ZStack, read_z_stack, stack_shape

SIDE, FRAMES, RATE, STEP = 96, 400, 30.0, 2.0


@pytest.fixture(scope="module")
def tissue():
    """(z, y, x) at every µm from -20 to 20, as sharp in depth as a two-photon focus."""
    random = np.random.default_rng(0)
    volume = gaussian_filter(random.standard_normal((41, SIDE + 20, SIDE + 20)), (2.2, 1.2, 1.2))
    return 200 + 100 * volume / volume.std()


@pytest.fixture(scope="module")
def z():
    """µm of each frame: slow drift, and short bouts."""
    time = np.arange(FRAMES) / RATE
    return 2 * np.sin(time / 2) + 1.5 * (np.sin(time * 5) * (np.sin(time) > 0.5))


@pytest.fixture(scope="module")
def movie(tissue, z):
    random = np.random.default_rng(1)
    y, x = np.indices((SIDE, SIDE)) + 10.0
    clean = np.stack([map_coordinates(tissue, [np.full_like(y, 20 + at), y, x], order=1) for at in z])
    return np.clip(random.poisson(np.maximum(clean, 1) / 10) * 10, 0, 32000).astype(np.int16)


@pytest.fixture(scope="module")
def stack(tissue):
    """Each plane lies somewhere else."""
    random = np.random.default_rng(2)
    planes = []
    for at in np.arange(10, 31, 2):
        y, x = random.integers(6, 14, 2)
        plane = tissue[at, y : y + SIDE, x : x + SIDE]
        planes.append(random.poisson(np.maximum(plane, 1) * 3) / 3)
    return ZStack(np.array(planes, np.float32), STEP)


def found_in(stack: ZStack, movie: np.ndarray):
    seen, begins = np.ones((SIDE, SIDE), bool), np.arange(FRAMES) == 0
    seen[:8] = seen[-8:] = seen[:, :8] = seen[:, -8:] = False
    template = movie.mean(axis=0, dtype=np.float64).astype(np.float32)
    return frame_depths(movie, stack, template, seen, np.ones(FRAMES, bool), begins, RATE)


def test_the_depth_of_frames_is_found_with_its_error(movie, stack, z):
    found = found_in(stack, movie)
    away = found.z - (z - np.median(z))
    assert np.sqrt(np.mean(away**2)) < 0.5
    assert np.mean(np.abs(away) < 1.645 * found.error) > 0.8
    assert found.error.mean() < 0.6
    assert found.place == pytest.approx(10 + np.median(z), abs=0.7)


def test_a_stack_that_was_taken_upwards_gives_the_same_depths(movie, stack):
    upwards = ZStack(np.ascontiguousarray(stack.planes[::-1]), -STEP)
    np.testing.assert_allclose(found_in(upwards, movie).z, found_in(stack, movie).z, atol=0.3)


def test_a_stack_of_other_tissue_is_refused(movie):
    other = gaussian_filter(np.random.default_rng(9).standard_normal((11, SIDE, SIDE)), (2.2, 1.2, 1.2))
    with pytest.raises(InputError, match="no plane is like the recording"):
        found_in(ZStack((200 + 1000 * other).astype(np.float32), STEP), movie)


def test_without_a_stack_the_mode_follows_depth_and_says_how_well(movie, z):
    seen = np.ones((SIDE, SIDE), bool)
    found = axial_mode(movie, seen, np.ones(FRAMES, bool), RATE / 2)
    assert found is not None
    slow = np.convolve(z, np.ones(15) / 15, "same")
    assert abs(np.corrcoef(found.value[20:-20], slow[20:-20])[0, 1]) > 0.9
    assert found.error < 0.5
    assert axial_mode(movie[:60], seen, np.ones(60, bool), RATE) is None, "too short"


def test_the_columns_say_which_is_known(movie, stack):
    shifts = pl.DataFrame({"bad": [False] * FRAMES}).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in AXIAL.items()
    )
    flags = {name: [False] * FRAMES for name in ("blank", "dropped", "flash", "excluded")}
    frames = pl.DataFrame({"segment": [0] * FRAMES} | flags)
    images = {"coverage": np.ones((SIDE, SIDE), np.float32), "template": movie.mean(axis=0).astype(np.float32)}
    deep = with_axial_motion(shifts, movie, frames, images, RATE, stack)
    assert deep["axial_mode"].null_count() == FRAMES
    np.testing.assert_allclose(depth_of(deep), deep["z"].to_numpy())
    assert (deep["away"] == (deep["z"].abs() > 3)).all()
    assert depth_of(shifts) is None
    alone = with_axial_motion(shifts, movie, frames, images, RATE / 2)
    assert alone["z"].null_count() == FRAMES
    assert depth_of(alone) is not None


def test_a_stack_is_checked_before_it_is_read(tmp_path):
    np.save(tmp_path / "stack.npy", np.arange(5 * 2 * 4 * 6, dtype=np.int16).reshape(5, 2, 4, 6))
    assert stack_shape(tmp_path / "stack.npy") == (5, 2, 4, 6)
    assert read_z_stack(StackFile(str(tmp_path / "stack.npy"), 1.5), (4, 6)).planes[0, 0, 0] == 12
    with pytest.raises(InputError, match="planes of 4 x 6 px, the recording of 8 x 8"):
        read_z_stack(StackFile(str(tmp_path / "stack.npy"), 1.5), (8, 8))
    np.save(tmp_path / "flat.npy", np.zeros((4, 6)))
    with pytest.raises(InputError, match="a z-stack is"):
        stack_shape(tmp_path / "flat.npy")
    (tmp_path / "wrong.tif").write_text("no image")
    with pytest.raises(InputError, match="cannot be read"):
        stack_shape(tmp_path / "wrong.tif")
    with pytest.raises(InputError, match="does not exist"):
        stack_shape(tmp_path / "none.tif")


def test_planes_of_a_z_stack_may_be_written_one_by_one(tmp_path):
    """Each is then a series of its own to the library."""
    planes = np.arange(4 * 2 * 6 * 5, dtype=np.uint16).reshape(4, 2, 6, 5)
    for name, each in ("planes", planes[:, 0]), ("frames", planes):
        with tifffile.TiffWriter(tmp_path / f"{name}.tif") as file:
            for plane in each:
                file.write(plane, photometric="minisblack")
        assert stack_shape(tmp_path / f"{name}.tif") == each.shape
        wanted = each if each.ndim == 3 else each.mean(axis=1)
        np.testing.assert_array_equal(
            read_z_stack(StackFile(str(tmp_path / f"{name}.tif"), 2.0), (6, 5)).planes, wanted
        )
    with tifffile.TiffWriter(tmp_path / "sizes.tif") as file:
        for height in (6, 6, 4):
            file.write(planes[0, 0, :height], photometric="minisblack")
    with pytest.raises(InputError, match=r"several sizes: \(6, 5\), \(4, 5\)"):
        stack_shape(tmp_path / "sizes.tif")
