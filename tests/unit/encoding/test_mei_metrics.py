import numpy as np
import pytest
import torch

from groundtrace.encoding.mei_metrics import mask_of, metrics, phase_free_similarity, symmetry
from groundtrace.encoding.pixels import Gabors

Y, X = np.mgrid[:64, :64].astype(float)


def grating(angle: float, frequency: float = 0.125) -> np.ndarray:
    """Waves that run along an angle, degrees."""
    turned = X * np.cos(np.radians(angle)) + Y * np.sin(np.radians(angle))
    return np.cos(2 * np.pi * frequency * turned)


def gabor(angle: float, phase: float = 0, frequency: float = 0.12, at: tuple[float, float] = (30, 34)) -> np.ndarray:
    values = (at[0], at[1], np.radians(angle), np.log(frequency), np.log(0.5 / frequency), 0)
    pair = Gabors(*(torch.tensor([float(value)]) for value in values)).pairs((64, 64))[0].numpy()
    return 0.5 + pair[0] * np.cos(phase) + pair[1] * np.sin(phase)


def test_a_grating_has_both_symmetries_a_plaid_the_second_and_rings_none():
    one, plaid = grating(45), grating(45) + grating(135)
    rings = np.cos(2 * np.pi * 0.125 * np.hypot(X - 31.5, Y - 31.5))
    assert symmetry(one, 1, mask_of(one)) > 0.9
    assert symmetry(one, 2, mask_of(one)) > 0.75
    assert symmetry(plaid, 1, mask_of(plaid)) < 0.05
    assert symmetry(plaid, 2, mask_of(plaid)) > 0.75
    assert symmetry(rings, 1) < 0.05
    assert symmetry(rings, 2) < 0.15


def test_three_gratings_have_neither_of_the_two():
    image = grating(0) + grating(60) + grating(120)
    assert symmetry(image, 1, mask_of(image)) < 0.1
    assert symmetry(image, 2, mask_of(image)) < 0.1


@pytest.mark.parametrize("stripes", [0, 30, 90, 120, 165])
def test_orientation_is_that_of_the_stripes_as_one_sees_them(stripes):
    # Rows count downwards: stripes at 30° from horizontal, counterclockwise, have waves along 60°, clockwise.
    found = metrics(gabor(90 - stripes))["orientation"]
    assert abs((found - stripes + 90) % 180 - 90) < 2


def test_stripes_that_rise_to_the_right_are_at_45_degrees():
    rising = np.cos(2 * np.pi * 0.1 * (X + Y) / np.sqrt(2))  # constant where x + y is: up and to the right
    assert metrics(rising)["orientation"] == pytest.approx(45, abs=1)


def test_place_size_frequency_and_contrast():
    found = metrics(gabor(20))
    assert found["centre_y"] == pytest.approx(30, abs=0.5)
    assert found["centre_x"] == pytest.approx(34, abs=0.5)
    assert found["frequency"] == pytest.approx(0.12, rel=0.1)
    assert found["luminance"] == pytest.approx(0.5, abs=0.01)
    assert metrics(0.5 + 2 * (gabor(20) - 0.5))["rms"] == pytest.approx(2 * found["rms"], rel=1e-3)


def test_similarity_does_not_depend_on_the_phase_and_falls_with_angle():
    for phase in (0, 1, 2, 3):
        assert phase_free_similarity(gabor(20, phase), gabor(20)) > 0.99
    assert phase_free_similarity(gabor(110), gabor(20)) < 0.3
    assert phase_free_similarity(gabor(20, at=(10, 10)), gabor(20, at=(50, 50))) < 0.05
