"""What every spike inference backend promises, over all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.convex import Convex
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.testing.spikes import SpikeContract


@dataclass(frozen=True)
class Case:
    """A backend and what it is honest to ask of it."""

    name: str
    make: Callable[[Path], SpikeBackend]
    """From the folder of test data."""
    needs_data: bool = False
    counts: tuple[float, float] = (0.5, 2.0)
    """Σ inferred / Σ true."""


def cascade(data: Path) -> Cascade:
    folder = data / "cascade_model" / "Global_EXC_30Hz_smoothing25ms"
    if not folder.is_dir():
        pytest.skip("no CASCADE model here")
    return Cascade(model=folder)


BACKENDS = [
    # Scaled as recordings need it, in which drift and slow noise add events to those of spikes.
    Case("oasis", lambda _: Oasis(), counts=(0.4, 2.0)),
    Case("oasis-ar2", lambda _: Oasis(order=2), counts=(0.4, 2.0)),
    Case("convex", lambda _: Convex(), counts=(0.4, 2.0)),
    Case("convex-ar2", lambda _: Convex(order=2), counts=(0.4, 2.0)),
    Case("network", lambda _: Network()),
    Case("network-online", lambda _: Network(lookahead=16)),
    # It never learnt this indicator's amplitude, five times that of its training data.
    Case("cascade", cascade, needs_data=True, counts=(0.5, 5.0)),
]


@pytest.fixture(params=BACKENDS, ids=lambda case: case.name, scope="module")
def contract(request) -> SpikeContract:
    case = request.param
    backend = case.make(request.getfixturevalue("test_data") if case.needs_data else Path())
    return SpikeContract(backend, counts=case.counts)


@pytest.mark.parametrize("promise", SpikeContract.promises(), ids=lambda promise: promise.name)
def test_promise(contract, promise, tmp_path):
    promise.check(contract, tmp_path)
