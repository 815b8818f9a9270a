"""What every denoising backend promises, over all of them."""

from pathlib import Path

import numpy as np
import pytest
from packages import require
from synthetic_movies import Cells, acquisition, with_cells

from groundtrace.denoising.base import Denoising, DenoisingBackend
from groundtrace.denoising.boxcar import Boxcar
from groundtrace.denoising.files import read_noise, write_noise, write_weights
from groundtrace.denoising.network import NetworkDenoising
from groundtrace.denoising.svd import Svd
from groundtrace.io import create_movie, open_movie
from groundtrace.tables import TrainingCurve, validate

BACKENDS = {
    "network": NetworkDenoising(members=2, steps=120, channels=16, layers=2),
    "boxcar": Boxcar(frames=9),
    "svd": Svd(),
}
FRAMES = 203
"""Not a multiple of anything: the last batch is small."""


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request) -> DenoisingBackend:
    require(BACKENDS[request.param])
    return BACKENDS[request.param]


@pytest.fixture(scope="module")
def truth() -> Cells:
    return with_cells((FRAMES, 63, 70), count=4)


def run(
    backend: DenoisingBackend, movie: np.ndarray, folder: Path, threads: int = 1, bad: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray, Denoising]:
    """Run on a read-only file, as the workflow does."""
    np.save(folder / "movie.npy", movie)
    (folder / "movie.npy").chmod(0o444)
    denoised = create_movie(folder / "denoised.npy", movie.shape, "float32")
    deviation = create_movie(folder / "deviation.npy", movie.shape, "float16")
    flags = np.isin(np.arange(len(movie)), bad)
    found = backend.run(open_movie(folder / "movie.npy"), denoised, deviation, flags, acquisition(movie.shape), threads)
    return np.array(denoised), np.array(deviation), found


@pytest.fixture(scope="module")
def done(backend, truth, tmp_path_factory) -> tuple[np.ndarray, np.ndarray, Denoising]:
    return run(backend, truth.movie, tmp_path_factory.mktemp("done"))


def test_every_pixel_has_a_value_and_a_deviation(done):
    denoised, deviation, _ = done
    assert np.isfinite(denoised).all()
    assert np.isfinite(deviation).all()
    assert (deviation > 0).all()


def test_values_keep_their_scale_and_lose_their_noise(done, truth):
    denoised, _, _ = done
    assert denoised.mean() == pytest.approx(truth.movie.mean(), rel=0.01)
    still = (slice(None), slice(0, 8), slice(0, 8))
    assert denoised[still].std(axis=0).mean() < 0.4 * truth.movie[still].std(axis=0).mean()


def test_cells_stay_active(done, truth):
    denoised, _, _ = done
    for y, x, activity in zip(truth.y.astype(int), truth.x.astype(int), truth.activity, strict=True):
        shown = denoised[:, y - 2 : y + 3, x - 2 : x + 3].mean(axis=(1, 2))
        assert np.corrcoef(shown, activity)[0, 1] > 0.6


def test_a_frame_is_not_predicted_from_itself(backend, done, truth, tmp_path):
    if not isinstance(backend, NetworkDenoising):
        pytest.skip("this backend averages over the frame too")
    # The noise of a single frame does not show in its own prediction, where it does in the measured one.
    denoised, _, _ = done
    shown, measured = (movie - movie.mean(axis=0) for movie in (denoised, truth.movie.astype(float)))
    quiet = (slice(None), slice(0, 8), slice(0, 8))
    assert abs(np.corrcoef(shown[quiet].ravel(), measured[quiet].ravel())[0, 1]) < 0.08


def test_the_number_of_threads_changes_nothing(backend, done, truth, tmp_path):
    denoised, deviation, found = run(backend, truth.movie, tmp_path, threads=2)
    np.testing.assert_array_equal(denoised, done[0])
    np.testing.assert_array_equal(deviation, done[1])
    assert found.curve.equals(done[2].curve)


def test_what_is_in_bad_frames_changes_nothing(backend, done, truth, tmp_path):
    bad = (0, 20, 21, 100, FRAMES - 1)
    found = []
    for brightness in (0, 60_000):
        spoiled = truth.movie.copy()
        spoiled[list(bad)] = brightness
        (tmp_path / f"{brightness}").mkdir()
        found.append(run(backend, spoiled, tmp_path / f"{brightness}", bad=bad))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert found[0][0].max() < 1.5 * done[0].max()


def test_negative_values_and_a_field_smaller_than_a_patch(backend, tmp_path):
    movie = with_cells((90, 31, 33), count=1).movie.astype(np.int16) - 200
    denoised, deviation, _ = run(backend, movie, tmp_path)
    assert denoised.mean() == pytest.approx(movie.mean(), abs=0.5)
    assert (deviation > 0).all()


def test_a_movie_without_any_change_stays_as_it_is(backend, tmp_path):
    still = np.repeat(with_cells((1, 40, 40), count=1).movie, 90, axis=0)
    denoised, deviation, _ = run(backend, still, tmp_path)
    np.testing.assert_allclose(denoised, still, atol=0.01)
    assert np.isfinite(deviation).all()


def test_what_it_learnt_can_be_written_and_read(backend, done, tmp_path):
    found = done[2]
    validate(TrainingCurve, found.curve)
    write_noise(tmp_path / "noise.npz", found)
    noise, mean = read_noise(tmp_path / "noise.npz")
    assert (noise.gain, noise.offset, noise.floor) == (found.noise.gain, found.noise.offset, found.noise.floor)
    np.testing.assert_array_equal(noise.correlation, found.noise.correlation)
    np.testing.assert_allclose(mean, found.mean)
    write_weights(tmp_path / "model.safetensors", found)
    if isinstance(backend, NetworkDenoising):
        from groundtrace.denoising.model import load

        assert len(load(tmp_path / "model.safetensors")) == backend.members
        assert found.curve.filter(member=0)["calibration_error"].min() < 1.3
