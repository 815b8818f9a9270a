"""What every denoising backend promises, over all of them."""

import numpy as np
import pytest

from groundtrace.denoising.boxcar import Boxcar
from groundtrace.denoising.files import write_weights
from groundtrace.denoising.network import NetworkDenoising
from groundtrace.denoising.svd import Svd
from groundtrace.testing.denoising import DenoisingContract
from tests.packages import require

BACKENDS = {
    "network": NetworkDenoising(members=2, steps=120, channels=16, layers=2),
    "boxcar": Boxcar(frames=9),
    "svd": Svd(),
}


@pytest.fixture(params=BACKENDS, scope="module")
def contract(request) -> DenoisingContract:
    require(BACKENDS[request.param])
    return DenoisingContract(BACKENDS[request.param])


@pytest.mark.parametrize("promise", DenoisingContract.promises(), ids=lambda promise: promise.name)
def test_promise(contract, promise, tmp_path):
    promise.check(contract, tmp_path)


def test_the_network_does_not_predict_a_frame_from_itself(contract):
    if not isinstance(contract.backend, NetworkDenoising):
        pytest.skip("this backend averages over the frame too")
    # The noise of a single frame does not show in its own prediction, where it does in the measured one.
    shown, measured = (movie - movie.mean(axis=0) for movie in (contract.done[0], contract.truth.movie.astype(float)))
    quiet = (slice(None), slice(0, 8), slice(0, 8))
    assert abs(np.corrcoef(shown[quiet].ravel(), measured[quiet].ravel())[0, 1]) < 0.08


def test_the_network_learnt_and_can_be_loaded(contract, tmp_path):
    if not isinstance(contract.backend, NetworkDenoising):
        pytest.skip("this backend is not trained")
    from groundtrace.denoising.model import load

    found = contract.done[2]
    write_weights(tmp_path / "model.safetensors", found)
    assert len(load(tmp_path / "model.safetensors")) == contract.backend.members
    assert found.curve.filter(member=0)["calibration_error"].min() < 1.3
