import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from groundtrace.errors import BackendError, InputError
from groundtrace.external.suite2p import suite2p_session, worker_pool
from groundtrace.motion import suite2p as module
from groundtrace.motion.base import Registration
from groundtrace.motion.suite2p import Encoding, Suite2pMotion, block_shape, make_reference
from groundtrace.testing.movies import moving, task

RIGID = Suite2pMotion(nonrigid=False)
BLOCKS = Suite2pMotion(block_size=(64, 64))


def register(backend: Suite2pMotion, movie: np.ndarray, folder: Path) -> tuple[np.ndarray, Registration]:
    registered = np.zeros_like(movie)
    return registered, backend.run(movie, registered, task(movie, folder))


def error(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Of displacements, whose common zero is free."""
    difference = found - true
    return np.abs(difference - np.median(difference))


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_whole_pixel_shifts_are_found_and_undone_exactly(dtype, tmp_path):
    film = moving(dtype=dtype, noise=0)
    registered, result = register(RIGID, film.movie, tmp_path)
    assert error(result.shift.y, film.y).max() == 0
    assert error(result.shift.x, film.x).max() == 0
    # What every frame saw is the same in every frame now.
    assert (np.ptp(registered[:, 10:-10, 10:-10], axis=0) == 0).all()


@pytest.mark.parametrize(("noise", "tolerance"), [(1, 0.15), (10, 0.3)])
def test_fractions_of_a_pixel_are_found_by_blocks(noise, tolerance, tmp_path):
    film = moving(whole=False, noise=noise)
    _, result = register(BLOCKS, film.movie, tmp_path)
    for rigid, block, true in (
        (result.shift.y, result.shift.block_y, film.y),
        (result.shift.x, result.shift.block_x, film.x),
    ):
        assert np.percentile(error(rigid + np.median(block, axis=1), true), 95) < tolerance


def test_signs(tmp_path):
    film = moving((60, 96, 96), noise=0)
    movie = np.stack([film.movie[0]] * 40 + [np.roll(film.movie[0], (3, -2), (0, 1))] * 20)
    movie[0, 0, 0] += 1
    _, result = register(RIGID, movie, tmp_path)
    assert result.shift.y[-1] - result.shift.y[0] == 3, "content that moved down has a positive y"
    assert result.shift.x[-1] - result.shift.x[0] == -2, "content that moved left has a negative x"


def test_high_values_are_not_halved(tmp_path):
    film = moving(offset=60_000, noise=0)
    registered, _ = register(RIGID, film.movie, tmp_path)
    assert registered.max() == film.movie.max() > 32_767
    assert np.unique(registered % 2).size == 2


def test_a_dim_movie_keeps_its_digits(tmp_path):
    """A mean below one photon: as int16, Suite2p's reference would be nearly all zeros."""
    film = moving((200, 128, 128), noise=600)
    movie = (film.movie // 600).astype(np.uint8)
    assert movie.mean() < 1
    _, result = register(RIGID, movie, tmp_path)
    assert np.unique(result.template).size > 100
    assert np.mean(error(result.shift.y, film.y) <= 1) > 0.9


def test_pixels_from_outside_the_field_take_the_template(tmp_path):
    film = moving(noise=0)
    for backend in (RIGID, BLOCKS):
        registered, result = register(backend, film.movie, tmp_path)
        furthest = int(np.argmax(np.abs(result.shift.y)))
        assert abs(result.shift.y[furthest]) >= 3
        edge = -1 if result.shift.y[furthest] > 0 else 0
        np.testing.assert_array_equal(registered[furthest, edge], np.rint(result.template[edge]).astype(np.uint16))


def test_shifts_are_those_of_suite2p(tmp_path):
    """Given our reference, Suite2p's own `register_frames` finds the same."""
    film = moving((41, 128, 128), "int16", whole=False)
    _, result = register(BLOCKS, film.movie, tmp_path)
    encoding = Encoding.between(film.movie.min(), film.movie.max())
    with suite2p_session(tmp_path, 1):
        import torch
        from suite2p.registration.register import register_frames

        offsets = register_frames(
            encoding.encode(film.movie),
            (result.template.astype(float) - encoding.centre) * encoding.scale,
            np.zeros_like(film.movie),
            batch_size=20,
            block_size=(64, 64),
            device=torch.device("cpu"),
        )[3]
    np.testing.assert_array_equal(result.shift.y, offsets[0])
    np.testing.assert_array_equal(result.shift.x, offsets[1])
    assert np.mean(np.abs(result.shift.block_y - offsets[3]) < 0.11) > 0.99
    assert np.mean(np.abs(result.shift.block_x - offsets[4]) < 0.11) > 0.99


def test_reference_uses_the_correlations_of_all_frames(tmp_path):
    """Suite2p's own, given one batch of all frames, agrees; in small batches it sorts by the last batch only."""
    film = moving((150, 96, 96), "int16")
    encoded = Encoding.between(film.movie.min(), film.movie.max()).encode(film.movie)
    settings = {"smooth_sigma": 1.15, "spatial_taper": 3.45, "maxregshift": 0.1, "smooth_sigma_time": 0}
    with suite2p_session(tmp_path, 1), worker_pool(1) as pool:
        import torch
        from suite2p.registration.register import compute_reference

        theirs = compute_reference(encoded.copy(), settings | {"batch_size": 150}, torch.device("cpu"))
        ours = make_reference(encoded.copy(), settings, 7, pool)
    assert np.corrcoef(theirs.ravel(), ours.ravel())[0, 1] > 0.999


def test_results_do_not_depend_on_the_batch(tmp_path, monkeypatch):
    film = moving((50, 128, 128), whole=False)
    registered, result = register(BLOCKS, film.movie, tmp_path)
    monkeypatch.setattr(module, "_batch_size", lambda field: 7)
    again, other = register(BLOCKS, film.movie, tmp_path)
    np.testing.assert_array_equal(result.shift.y, other.shift.y)
    assert np.mean(result.shift.block_y != other.shift.block_y) < 0.01, "rounding of matrix products only"
    assert np.mean(registered != again) < 0.01


def test_frames_without_light_do_not_become_the_reference(tmp_path):
    """A constant frame has no correlation: Suite2p would take it as the seed."""
    film = moving((60, 96, 96))
    film.movie[::3] = 100
    _, result = register(RIGID, film.movie, tmp_path)
    lit = np.arange(60) % 3 != 0
    assert np.percentile(error(result.shift.y[lit], film.y[lit]), 95) <= 1
    with pytest.raises(BackendError, match="shutter"):
        register(RIGID, np.full_like(film.movie, 7), tmp_path)


def test_smoothing_over_time_helps_a_dim_movie_and_crosses_batches(tmp_path, monkeypatch):
    film = moving((150, 96, 96), noise=8000)
    monkeypatch.setattr(module, "_batch_size", lambda field: 10)
    _, plain = register(RIGID, film.movie, tmp_path)
    _, smooth = register(Suite2pMotion(nonrigid=False, smooth_sigma_time=1.5), film.movie, tmp_path)
    assert error(smooth.shift.y, film.y).mean() < error(plain.shift.y, film.y).mean()
    monkeypatch.setattr(module, "_batch_size", lambda field: 150)
    _, whole = register(Suite2pMotion(nonrigid=False, smooth_sigma_time=1.5), film.movie, tmp_path)
    np.testing.assert_array_equal(smooth.shift.y, whole.shift.y)


@pytest.mark.parametrize(
    ("wanted", "field", "found"),
    [
        ((128, 128), (512, 512), (128, 128)),
        ((128, 128), (128, 512), (64, 128)),
        ((128, 128), (100, 90), (50, 45)),
        ((128, 128), (60, 512), None),
        ((128, 128), (129, 129), (128, 128)),
    ],
)
def test_blocks_fit_the_field(wanted, field, found):
    if found == wanted:
        assert block_shape(wanted, field) == found
    else:
        with pytest.warns(UserWarning, match="rigidly" if found is None else f"{found[0]} x {found[1]}"):
            assert block_shape(wanted, field) == found


@pytest.mark.parametrize(("side", "blocks"), [(96, True), (48, False)])
def test_field_smaller_than_a_block(side, blocks, tmp_path):
    film = moving((40, side, side), noise=0, amplitude=2)
    with pytest.warns(UserWarning, match="no room"):
        _, result = register(Suite2pMotion(), film.movie, tmp_path)
    assert (result.shift.block_y.shape[1] > 0) == blocks
    assert (
        np.percentile(error(result.shift.y + (np.median(result.shift.block_y, axis=1) if blocks else 0), film.y), 95)
        <= 0.5
    )


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (Suite2pMotion(settings={"registration": {"snr_tresh": 1.3}}), "did you mean 'snr_thresh'"),
        (Suite2pMotion(settings={"snr_thresh": 1.3}), "registration: {snr_thresh"),
        (Suite2pMotion(settings={"registration": {"maxregshift": 0.2}}), "use `max_shift`"),
        (Suite2pMotion(settings={"registration": 3}), "is a section"),
        (Suite2pMotion(settings={"registration": {"norm_frames": "no"}}), "type bool"),
        (Suite2pMotion(settings={"registration": {"snr_thresh": 0.5}}), "allowed are 1.0"),
        (Suite2pMotion(settings={"detection": {"nbins": 100}}), "no setting of registration"),
        (Suite2pMotion(max_shift=0.001), "less than one pixel"),
    ],
)
def test_settings_that_would_not_be_obeyed_are_refused(backend, message, tmp_path):
    film = moving((20, 144, 144))
    with pytest.raises(InputError, match=message):
        register(backend, film.movie, tmp_path)


def test_a_setting_arrives_and_its_neighbours_stay(tmp_path):
    film = moving((60, 128, 128), whole=False)
    _, plain = register(BLOCKS, film.movie, tmp_path)
    _, tapered = register(
        BLOCKS.model_copy(update={"settings": {"registration": {"spatial_taper": 8.0}}}), film.movie, tmp_path
    )
    assert not np.array_equal(plain.correlation, tapered.correlation)
    assert np.percentile(np.abs(plain.shift.y - tapered.shift.y), 90) <= 1


def test_a_fresh_process_leaves_no_trace_and_loads_no_cellpose(tmp_path):
    """Suite2p writes into the home folder when it is imported; Cellpose needs a torchvision that fits torch."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    script = (
        "import sys; from pathlib import Path; from groundtrace.external.suite2p import suite2p_session\n"
        f"with suite2p_session(Path({str(scratch)!r}), 1):\n"
        "    import suite2p; from suite2p.detection import sparsedetect\n"
        "print(sorted({'cellpose', 'torchvision', 'suite2p'} & set(sys.modules)))"
    )
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['suite2p']"
    assert list(home.iterdir()) == []
    assert (scratch / ".suite2p").is_dir(), "the trap is still there"


def test_real_recording(test_data, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    movie = tifffile.imread(test_data / "movies/mouse2p_128x128x2000.tiff", key=range(300))
    registered, result = register(BLOCKS, movie, tmp_path)
    assert registered.dtype == movie.dtype
    assert np.abs(result.shift.y).max() <= 13
    gradient = [np.hypot(*np.gradient(m.mean(axis=0))).mean() / m.mean() for m in (movie, registered)]
    assert gradient[1] > gradient[0], "the mean image is crisper"
