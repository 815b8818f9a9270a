"""What every encoding model promises, over all of them."""

import pytest

from groundtrace.encoding.base import EncodingBackend
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.testing.encoding import EncodingContract

SMALL = EncodingNetwork(channels=8, layers=2, first_kernel=7, pool=2, members=2, steps=60, learning_rate=0.01)
BACKENDS: dict[str, EncodingBackend] = {
    "linear": Linear(),
    "gabor": Gabor(steps=30),
    "network": SMALL,
    "network-gaussian": SMALL.model_copy(update={"readout": "gaussian", "members": 1}),
}


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS, scope="module")
def contract(request) -> EncodingContract:
    return EncodingContract(request.param)


@pytest.mark.parametrize("promise", EncodingContract.promises(), ids=lambda promise: promise.name)
def test_promise(contract, promise, tmp_path):
    promise.check(contract, tmp_path)
