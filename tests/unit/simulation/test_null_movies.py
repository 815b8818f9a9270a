"""Movies without events: what is shuffled, what stands still, and that the truth says so."""

import numpy as np
import pytest

from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import NULL_BLOCK, prepare
from groundtrace.simulation.truth import PlaneTruth

SESSION = Session(subject="M01", session="001", indicator="GCaMP6f", frame_rate=30.0, simulate="small")


STILL = {"motion": 0.0, "nonrigid": 0.0, "line_jitter": 0.0}


def rendered(null_movie: str | None) -> tuple[np.ndarray, PlaneTruth]:
    size = {"frames": 95, "height": 40, "width": 40, "bleaching": 0, "null_movie": null_movie}
    parameters = Simulation.model_validate(STILL | size)
    (plane,) = prepare(parameters, SESSION)
    return np.stack([frame.copy() for frame in plane.expected()]), plane.truth()


@pytest.fixture(scope="module")
def active():
    return rendered(None)


def test_a_static_movie_is_the_mean_of_the_active_one(active):
    movie, truth = rendered("static")
    assert movie.std(axis=0).max() < 1e-4 * movie.mean()
    assert movie[0] == pytest.approx(active[1].photons, rel=1e-3)
    assert np.ptp(truth.calcium, axis=1).max() == 0


@pytest.mark.parametrize(("kind", "together"), [("frames", 1), ("blocks", NULL_BLOCK)])
def test_shuffled_movies_have_the_same_frames_in_another_order(active, kind, together):
    movie, _ = rendered(kind)
    level, same = (images.reshape(len(images), -1).astype(np.float64) for images in (movie, active[0]))
    order = np.array([int(np.abs(same - frame).sum(axis=1).argmin()) for frame in level])
    assert sorted(order) == list(range(95))
    assert np.abs(level - same[order]).max() < 1e-3 * same.mean()
    follows = np.diff(order) == 1
    assert follows.mean() < 0.1 if together == 1 else follows.mean() > 0.85
    starts = np.flatnonzero(~follows) + 1
    assert len(starts) >= 95 // together // 2


@pytest.mark.parametrize("kind", ["static", "frames", "blocks"])
def test_cells_stay_known_and_nothing_happens(active, kind):
    _, truth = rendered(kind)
    assert truth.detectability == pytest.approx(active[1].detectability, rel=1e-4)
    assert [len(times) for times in truth.spike_times] == [0] * len(truth.footprints)
    assert not truth.rate.any()


@pytest.mark.parametrize("what", ["motion", "nonrigid", "line_jitter", "axial_drift", "scan_offset"])
def test_what_moves_is_not_still(what):
    assert Simulation.model_validate(STILL).still
    assert not Simulation.model_validate(STILL | {what: 1.0}).still
