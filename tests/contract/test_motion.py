"""What every motion backend promises, over all of them."""

import numpy as np
import pytest

from groundtrace.motion.moving import move_frames
from groundtrace.motion.none import NoMotion
from groundtrace.motion.normcorre import NormCorre
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.suite2p import Suite2pMotion
from groundtrace.movies.file import open_movie
from groundtrace.testing.motion import MotionContract
from groundtrace.testing.movies import task
from tests.packages import require

BACKENDS = {
    "none": NoMotion(),
    "phase": Phase(),
    "phase_rigid": Phase(nonrigid=False),
    "rigid": Suite2pMotion(nonrigid=False),
    "nonrigid": Suite2pMotion(block_size=(64, 64)),
    "normcorre_rigid": NormCorre(nonrigid=False),
    "normcorre": NormCorre(stride=(32, 32), overlap=(24, 24)),
}


@pytest.fixture(params=BACKENDS, scope="module")
def contract(request) -> MotionContract:
    require(BACKENDS[request.param])
    return MotionContract(BACKENDS[request.param])


@pytest.mark.parametrize("promise", MotionContract.promises(), ids=lambda promise: promise.name)
def test_promise(contract, promise, tmp_path):
    promise.check(contract, tmp_path)


def test_motion_estimated_on_one_channel_moves_the_other(tmp_path):
    """The functional channel is too dark to be registered by itself."""
    contract = MotionContract(Phase())
    movie, (_, alone) = contract.truth.movie, contract.done
    dark = np.random.default_rng(0).poisson(movie / movie.mean() * 0.02).astype(movie.dtype)
    np.save(tmp_path / "dark.npy", dark)
    registered, scratch = np.empty_like(dark), tmp_path / "other"
    scratch.mkdir()
    found = Phase().register(movie, open_movie(tmp_path / "dark.npy"), registered, task(dark, scratch))
    np.testing.assert_array_equal(found.shift.y, alone.shift.y)
    moved = move_frames(dark, found.shift, np.rint(found.template).astype(dark.dtype))
    np.testing.assert_array_equal(registered, moved)
    assert list(scratch.iterdir()) == [scratch / "backend"]
