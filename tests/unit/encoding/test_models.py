import numpy as np
import pytest
import torch

from groundtrace.arrays import FloatArray
from groundtrace.encoding.base import EncodingBackend, Trials
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear, ridge
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.errors import InputError
from tests.unit.encoding.encoding_example import COMPLEX, SIMPLE, Session, correlation, images, session

SMALL = EncodingNetwork(channels=16, layers=2, members=1, steps=400, learning_rate=0.01)
SHORT = {"linear": Linear(), "gabor": Gabor(steps=3), "network": EncodingNetwork(channels=3, members=1, steps=3)}


NEW = images(200, 9)
"""Images that no model is fitted to."""


def on_new_images(backend: EncodingBackend, data: Session) -> FloatArray:
    """(n_cells,) correlation of predicted and true responses."""
    model = backend.fit(data.images, data.image_of, data.responses, 0)
    return correlation(model.predict(NEW), data.cells.predict(NEW))


def test_a_linear_model_finds_a_simple_cell_and_not_a_complex_one():
    r = on_new_images(Linear(), session(400, 20))
    assert r[SIMPLE] > 0.93
    assert abs(r[COMPLEX]) < 0.2


@pytest.mark.parametrize("readout", ["pyramid", "gaussian"])
def test_a_small_network_learns_simple_cells_and_complex_ones_of_which_a_ridge_tells_nothing(readout):
    data = session(400, 5, (SIMPLE, COMPLEX) * 3)
    r, ridge_r = on_new_images(SMALL.model_copy(update={"readout": readout}), data), on_new_images(Linear(), data)
    assert np.median(r[::2]) > 0.8
    assert np.median(r[1::2]) > 0.7
    assert np.median(ridge_r[1::2]) < 0.2


def test_gabors_are_found_from_a_hundred_images():
    assert (on_new_images(Gabor(steps=60), session(100, 20, (SIMPLE, COMPLEX) * 2)) > 0.9).all()


@pytest.mark.parametrize("backend", SHORT.values(), ids=SHORT)
def test_the_same_seed_gives_the_same_predictions(backend):
    data = session(40, 2)
    one, two = (backend.fit(data.images, data.image_of, data.responses, 3).predict(data.images) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (2, 40)


@pytest.mark.parametrize("backend", SHORT.values(), ids=SHORT)
def test_responses_can_be_differentiated_and_are_those_predicted(backend):
    data = session(40, 2)
    model = backend.fit(data.images, data.image_of, data.responses, 0)
    batch = torch.from_numpy(data.images[:3]).requires_grad_(True)
    found = model.response(batch)
    found.sum().backward()
    assert batch.grad is not None
    assert (batch.grad.abs().amax((1, 2)) > 0).all()
    np.testing.assert_allclose(found.detach().numpy().T, model.predict(data.images[:3]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", SHORT.values(), ids=SHORT)
def test_a_cell_without_responses_has_no_predictions_and_changes_no_other(backend):
    data = session(40, 2)
    lost = np.vstack([data.responses[:1], np.full_like(data.responses[:1], np.nan), data.responses[1:]])
    found = backend.fit(data.images, data.image_of, lost, 0).predict(data.images)
    assert np.isnan(found[1]).all()
    alone = backend.fit(data.images, data.image_of, data.responses, 0).predict(data.images)
    np.testing.assert_array_equal(found[[0, 2]], alone)


def test_missing_trials_are_left_out_and_no_zeros():
    image_of = np.array([0, 0, 1, 2])
    trials = Trials.of(image_of, np.array([[2.0, np.nan, 4.0, np.nan]]), 4)
    np.testing.assert_array_equal(trials.mean, [[2, 4, 3, 3]])
    np.testing.assert_array_equal(trials.count, [[1, 1, 0, 0]])


def test_responses_below_zero_are_fitted_too():
    data = session(60, 4)
    plain, shifted = (SHORT["gabor"].fit(data.images, data.image_of, data.responses - by, 0) for by in (0, 5))
    low = data.responses.reshape(2, -1)
    assert shifted.predict(data.images).mean() == pytest.approx(low.mean() - 5, abs=0.3)
    assert plain.predict(data.images).mean() == pytest.approx(low.mean(), abs=0.3)


def test_left_out_drives_are_those_of_fits_without_the_image():
    random = np.random.default_rng(1)
    design, target = random.standard_normal((30, 5)), random.standard_normal((1, 30))
    trials = Trials(target, np.ones_like(target))
    _, left_out = ridge(design, trials)
    # Whatever the penalty: of a linear model that is not told image 4, its value is of no consequence.
    moved = target.copy()
    moved[0, 4] += 1e-3
    _, again = ridge(design, Trials(moved, trials.count))
    assert left_out[0, 4] + target.mean() == pytest.approx(again[0, 4] + moved.mean(), abs=1e-9)
    assert left_out[0, 5] != pytest.approx(again[0, 5], abs=1e-7)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda i, of, r: (i[:0], of[:0], r[:, :0]), "no ROI has a response"),
        (lambda i, of, r: (i[:1], of * 0, r), "1 images have a response"),
        (lambda i, of, r: (i, of + 1, r), "counted from 0"),
        (lambda i, of, r: (i[0], of, r), "are of shape"),
        (lambda i, of, r: (i, of[1:], r), "n_presentations"),
        (lambda i, of, r: (i * np.nan, of, r), "no number"),
        (lambda i, of, r: (i, of, r * np.nan), "no ROI has a response"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, said):
    data = session(20, 1)
    given, of, responses = change(data.images, data.image_of, data.responses)
    with pytest.raises(InputError, match=said):
        Linear().fit(given, of, responses, 0)
