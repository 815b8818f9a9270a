import numpy as np
import pytest

from groundtrace.encoding.folds import image_folds, predict_left_out
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.scores import oracle_score, score
from groundtrace.errors import InputError
from groundtrace.responses.reliability import ceiling_normalised
from tests.unit.encoding.encoding_example import session


class Remembers(Linear):
    """Records which images it is shown."""

    def fit(self, images, image_of, responses, seed):
        SHOWN.append(set(image_of))
        return super().fit(images, image_of, responses, seed)


SHOWN: list[set[int]] = []


def test_no_model_has_seen_a_trial_of_the_images_that_it_predicts():
    data, fold = session(30, 3), image_folds(np.arange(30), 30, 5, 7)
    SHOWN.clear()
    predict_left_out(Remembers(), data.images, data.image_of, data.responses, 5, 7)
    assert [sorted(shown) for shown in SHOWN] == [np.flatnonzero(fold != k).tolist() for k in range(5)]


def test_noise_alone_cannot_be_predicted():
    data = session(60, 2)
    data.responses = np.random.default_rng(0).poisson(1.0, (20, len(data.image_of))).astype(np.float32)
    found = score(
        predict_left_out(Linear(), data.images, data.image_of, data.responses, 5, 0), data.image_of, data.responses
    )
    assert abs(np.nanmean(found["correlation"])) < 0.1


def test_images_that_were_not_shown_are_not_predicted_and_threads_change_nothing():
    data = session(30, 2)
    used = data.image_of != 4
    of, responses = data.image_of[used], data.responses[:, used]
    one, two = (predict_left_out(Linear(), data.images, of, responses, 5, 0, threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.flatnonzero(np.isnan(one).all(axis=0)).tolist() == [4]


@pytest.mark.parametrize("folds", [1, 31])
def test_too_few_images_for_the_folds(folds):
    data = session(30, 1)
    with pytest.raises(InputError, match=f"too few for {folds} folds"):
        predict_left_out(Linear(), data.images, data.image_of, data.responses, folds, 0)


def test_scores_of_the_truth_reach_the_ceiling():
    data = session(150, 20)
    found = score(data.cells.predict(data.images), data.image_of, data.responses)
    assert (np.abs(found["normalised"] - 1) < 0.02 + 3 * found["normalised_error"]).all()
    assert (np.abs(found["feve"] - 1) < 0.02 + 3 * found["feve_error"]).all()
    plain = ceiling_normalised(data.cells.predict(data.images), data.responses, data.image_of)
    np.testing.assert_allclose(found["correlation"], plain["cc"], rtol=1e-5)


def test_errors_of_scores_are_what_other_images_show():
    drawn, errors = [], []
    for seed in range(12):
        data = session(40, 4, seed=seed)
        found = score(data.cells.predict(data.images), data.image_of, data.responses)
        drawn.append(found["correlation"])
        errors.append(found["correlation_error"])
    ratio = np.mean(errors, axis=0) / np.std(drawn, axis=0, ddof=1)
    assert ((ratio > 0.6) & (ratio < 1.8)).all()


def test_single_trials_have_a_correlation_and_no_ceiling():
    data = session(80, 1)
    found = score(data.cells.predict(data.images), data.image_of, data.responses)
    assert (found["correlation"] > 0.2).all()
    assert np.isnan(found["normalised"]).all()
    assert np.isnan(found["feve"]).all()


def test_the_oracle_is_below_the_truth_and_gets_there_with_many_trials():
    few, many = (session(80, repeats) for repeats in (4, 60))
    truth = score(few.cells.predict(few.images), few.image_of, few.responses)
    oracle = oracle_score(few.image_of, few.responses)
    assert (oracle["correlation"] < truth["correlation"]).all()
    assert (oracle_score(many.image_of, many.responses)["normalised"] > 0.85).all()
