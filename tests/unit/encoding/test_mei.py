import numpy as np
import pytest
import torch

from groundtrace.encoding.contrast import Contrast
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.mei import best_gabor, most_exciting
from groundtrace.errors import InputError
from tests.unit.encoding.encoding_example import COMPLEX, SHAPE, SIMPLE, KnownCells, images, session

LIMITS = Contrast(0.5, 0.06, 0.0, 1.0)


@pytest.fixture(scope="module")
def cells():
    return KnownCells((SIMPLE, COMPLEX, SIMPLE, COMPLEX))


@pytest.fixture(scope="module")
def found(cells):
    return most_exciting(cells, range(4), LIMITS, SHAPE, starts=4, steps=80, seed=1)


def test_the_image_of_a_known_cell_is_its_gabor(cells, found):
    assert (cells.likeness(found.images) > 0.95).all()


def test_the_image_of_a_fitted_cell_is_the_true_gabor():
    data = session(100, 20, (SIMPLE, COMPLEX) * 2)
    model = Gabor(steps=60).fit(data.images, data.image_of, data.responses, 0)
    found = most_exciting(model, range(4), LIMITS, SHAPE, starts=2, steps=60, seed=1)
    assert (data.cells.likeness(found.images) > 0.95).all()


def test_starts_agree_where_the_image_is_unique_and_not_where_any_phase_will_do(found):
    assert (found.similarity[::2] > 0.95).all()
    assert (found.similarity[1::2] < 0.7).all()


def test_no_image_of_the_same_contrast_excites_more(cells, found):
    natural = LIMITS.project(torch.from_numpy(images(300))).numpy()
    assert (found.predicted > cells.predict(natural).max(axis=1)).all()
    gabors, rate = best_gabor(cells, range(4), LIMITS, SHAPE, steps=40)
    assert (rate <= found.predicted * 1.02).all()
    assert (rate >= found.predicted * 0.95).all()
    assert (cells.likeness(gabors) > 0.95).all()


def test_predictions_are_those_of_the_images(cells, found):
    np.testing.assert_allclose(found.predicted, np.diag(cells.predict(found.images)), rtol=1e-4)
    np.testing.assert_allclose(found.predicted, found.by_start.max(axis=1))


@pytest.mark.parametrize(("mean", "rms"), [(0.3, 0.02), (0.3, 0.4), (0.5, 0.1), (0.5, 0.45)])
def test_contrast_holds_exactly_inside_the_range(mean, rms):
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(10, *SHAPE, generator=random)
    for raw in (noise, noise**5, torch.from_numpy(images(10)), 40 * noise - 7):
        made = Contrast(mean, rms, 0, 1).project(raw).double()
        assert made.min() >= 0
        assert made.max() <= 1
        np.testing.assert_allclose(made.mean((1, 2)), mean, atol=1e-5 * rms)
        np.testing.assert_allclose(made.std((1, 2), correction=0), rms, rtol=1e-5)


def test_contrast_of_the_images_holds_where_pixels_are_clipped(cells):
    found = most_exciting(cells, range(4), Contrast(0.4, 0.25, 0.0, 1.0), SHAPE, starts=3, steps=30)
    np.testing.assert_allclose(found.images.mean(axis=(1, 2), dtype=float), 0.4, rtol=1e-5)
    np.testing.assert_allclose(found.images.std(axis=(1, 2), dtype=float), 0.25, rtol=1e-5)
    assert found.images.min() == 0
    assert found.images.max() == 1


@pytest.mark.parametrize(("mean", "rms", "said"), [(1.2, 0.1, "outside the range"), (0.5, 0.6, "cannot be reached")])
def test_a_contrast_out_of_reach_is_refused(mean, rms, said):
    with pytest.raises(InputError, match=said):
        Contrast(mean, rms, 0, 1)


def test_the_same_seed_gives_the_same_images(cells, found):
    again = most_exciting(cells, range(4), LIMITS, SHAPE, starts=4, steps=80, seed=1)
    np.testing.assert_array_equal(found.images, again.images)
