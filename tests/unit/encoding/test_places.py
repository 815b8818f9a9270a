"""Where cells look, told by light and contours."""

import numpy as np
import pytest
import torch

from groundtrace.encoding.pixels import Gabors
from groundtrace.encoding.places import receptive_places

SHAPE, COUNT = (36, 64), 1500
Y, X = np.array([8.0, 28.0, 18.0, 10.0]), np.array([12.0, 52.0, 30.0, 50.0])


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """(COUNT, Y, X) noise with the spectrum of natural images."""
    noise = torch.randn(COUNT, *SHAPE, generator=torch.Generator().manual_seed(0))
    y, x = torch.fft.fftfreq(SHAPE[0])[:, None], torch.fft.rfftfreq(SHAPE[1])
    rough = torch.fft.irfft2(torch.fft.rfft2(noise) / (y**2 + x**2).sqrt().clamp(min=1 / 64), s=SHAPE)
    return (rough - rough.mean()) / rough.std()


@pytest.fixture(scope="module")
def responses(images) -> torch.Tensor:
    """(COUNT, 5) Poisson counts of two complex cells, two simple ones, and one that does not care."""
    values = [Y, X, np.array([0.3, 1.2, 2.0, 2.9]), np.log(np.full(4, 0.12)), np.log(np.full(4, 3.5)), np.zeros(4)]
    both = torch.einsum("gpyx,nyx->npg", Gabors(*(torch.tensor(v).float() for v in values)).pairs(SHAPE), images)
    complex_, simple = (both**2).sum(1)[:, :2], both[:, 0, 2:].clamp(min=0)
    rates = torch.cat([complex_, simple, torch.ones(COUNT, 1)], 1)
    return torch.poisson(rates / rates.mean(0), generator=torch.Generator().manual_seed(1))


def pixels(places: torch.Tensor) -> np.ndarray:
    """(n_cells, 2) y and x, px."""
    return np.stack([((places[:, k].numpy() + 1) * SHAPE[1 - k] - 1) / 2 for k in (1, 0)], 1)


def test_cells_are_found_and_one_that_does_not_care_has_no_place(images, responses):
    places = receptive_places(images, responses, torch.ones_like(responses))
    np.testing.assert_allclose(pixels(places)[:4], np.column_stack([Y, X]), atol=4)
    assert torch.isnan(places[4]).all()


def test_what_is_not_known_has_no_say(images, responses):
    spoilt, weight = responses.clone(), torch.ones_like(responses)
    spoilt[::3], weight[::3] = 100.0, 0.0
    places = receptive_places(images, spoilt, weight)
    np.testing.assert_allclose(pixels(places)[:4], np.column_stack([Y, X]), atol=4)
