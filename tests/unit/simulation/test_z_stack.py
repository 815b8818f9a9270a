import numpy as np
import pytest

from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Z_STEP, Simulation
from groundtrace.simulation.simulate import prepare
from groundtrace.simulation.z_stack import depths, take_z_stack

SESSION = Session(subject="a", session="1", frame_rate=30, pixel_size=1.5, indicator="GCaMP6s", simulate="x")
STILL = {"motion": 0, "nonrigid": 0, "line_jitter": 0}


@pytest.fixture(scope="module")
def parameters() -> Simulation:
    return Simulation(frames=60, height=64, width=64, photons=20, z_stack=6, **STILL)


def test_planes_reach_to_both_sides():
    np.testing.assert_array_equal(depths(5), Z_STEP * np.array([-2, -1, 0, 1, 2]))


def test_the_middle_plane_is_that_of_the_recording_and_others_are_less_like_it(parameters):
    stack = take_z_stack(parameters, SESSION).astype(float)
    assert stack.shape == (7, 64, 64)
    mean = prepare(parameters, SESSION)[0].mean()
    alike = [np.corrcoef(plane.ravel(), mean.ravel())[0, 1] for plane in stack]
    assert int(np.argmax(alike)) == 3
    assert alike[3] > 0.85
    assert alike[3] > alike[2] > alike[1]
    np.testing.assert_array_equal(stack, take_z_stack(parameters, SESSION))
