"""Encoding models are judged by cells whose best image is known."""

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark.encoding import (
    Stimulus,
    best_of_truth,
    centres,
    correlations,
    counted,
    score_predictions,
    strongest_image,
)
from groundtrace.benchmark.responses import apart
from groundtrace.benchmark.tables import EncodingBenchmark
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.random import stream
from groundtrace.report.sections.recordings.responses.content import costs, counting
from groundtrace.simulation.parameters import StimulusParameters
from groundtrace.simulation.receptive_fields import Fields, best_images, draw_fields, filters, preferred, respond
from groundtrace.simulation.stimulus import GREY, draw_images, pixels, with_contrast
from tests.tables import example

SHAPE, CONTRAST = (24, 32), 0.08
STIMULUS = StimulusParameters(n_images=40, height=24, width=32, untuned=0)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return pixels(draw_images(STIMULUS, stream(0, "images"))[0])


@pytest.fixture(scope="module")
def fields(images) -> Fields:
    return draw_fields(stream(1, "fields"), STIMULUS, np.full(12, 2.0), images)


PARAMETERS = EncodingParameters(cells=4, starts=2, steps=40)


@pytest.fixture(scope="module")
def shown(images) -> Stimulus:
    """Four images four times, all others once."""
    return Stimulus(images, np.concatenate([np.repeat(np.arange(4), 4), np.arange(4, len(images))]))


def test_no_image_does_more_than_the_true_best(fields, images, shown):
    optimum = best_of_truth(fields, shown, PARAMETERS)
    best = best_images(fields, SHAPE, optimum.contrast)
    wrong = filters(fields._replace(orientation=fields.orientation + 90), SHAPE)[0]
    others = {"wrong": with_contrast(wrong, GREY, optimum.contrast)}
    others |= {"image": with_contrast(images[:12], GREY, optimum.contrast)}
    found = {name: optimum.responses(own) / optimum.response for name, own in others.items()}
    assert optimum.responses(best) == pytest.approx(optimum.response, rel=1e-6)
    assert (found["wrong"] < 0.7).all()
    assert (found["image"] < 1).all()
    # The middle of the best image is that of the receptive field.
    assert np.hypot(*(centres(best) - optimum.centre)).max() < 1


def test_a_model_that_is_right_prefers_the_true_orientation(fields):
    off = apart(preferred(lambda shown: respond(fields, shown), SHAPE, CONTRAST), fields.orientation)
    assert np.median(off) < 4
    assert off.max() < 20


def test_reliable_and_sure_cells_count():
    cells = pl.DataFrame({"expected_correlation": [0.7, 0.5, None, float("nan"), 0.9, 0.9]})
    kind = ["simple", "simple", "complex", "fitted", "untuned", "simple"]
    known = pl.DataFrame({"kind": kind, "oracle": [0.4, 0.4, 0.4, 0.4, 0.4, 0.2]})
    assert counted(cells, known).tolist() == [True, False, True, True, False, False]


def test_models_learn_from_images_shown_once_and_are_judged_by_the_others(fields, shown):
    expected = respond(fields, shown.images)
    seen = []

    class Right(Linear):
        def fit_means(self, images, trials, seed):
            seen.append(len(images))
            return super().fit_means(images, trials, seed)

    assert (shown.single, shown.judged.tolist()) == (True, [0, 1, 2, 3])
    found, model = score_predictions(Right(), shown, expected[:, shown.image_of], expected, PARAMETERS)
    assert seen == [len(shown.images) - 4]
    assert model is not None
    assert found["cc_true"] == pytest.approx(correlations(model.predict(shown.images[:4]), expected[:, :4]), abs=1e-5)
    often = Stimulus(shown.images, np.tile(np.arange(len(shown.images)), 2))
    found, model = score_predictions(Right(), often, expected[:, often.image_of], expected, PARAMETERS)
    assert (len(seen), model) == (1 + PARAMETERS.folds, None)


def test_the_best_image_of_the_set_is_that_of_the_largest_mean(images):
    image_of = np.array([0, 0, 1, 1, 2, 2])
    response = np.array([[0, 4, 3, 2, 1, 1], [np.nan, 9, 1, 1, 2, 0]])
    assert strongest_image(image_of, response, 4).tolist() == [1, 0]


def test_correlations_are_those_of_rows():
    random = stream(3, "rows")
    a, b = random.normal(size=(2, 3, 20))
    assert correlations(a, b) == pytest.approx([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])
    assert np.isnan(correlations(np.ones((1, 5)), b[:1, :5]))


def test_the_cost_of_inference_is_over_true_spikes_of_the_same_cells():
    """True spikes stand with the first recipe of the same ROIs alone; cells that are not sure do not count."""
    rows = [("a", "true", 0, 0.8, 0.7), ("a", "true", 1, 0.6, 0.4), ("a", "inferred", 0, 0.6, 0.7)]
    rows += [("a", "inferred", 1, 0.1, 0.4), ("b", "inferred", 0, 0.4, None), ("b", "inferred", 1, 0.3, None)]
    recipe, source, cell, r, expected = zip(*rows, strict=True)
    given = {"recipe": recipe, "source": source, "cell": cell, "cc_true": r, "cc_norm": r}
    given |= {"expected_correlation": expected}
    same = {"session": "s", "plane": 0, "model": "gabor", "kind": "simple", "true_oracle": 0.5, "indicator": "x"}
    given = {name: list(values) for name, values in (given | {"spikes": recipe}).items()}
    table = example(EncodingBenchmark, **given, **same)
    found = {spikes: ratio for _, spikes, _, _, ratio, _ in costs(counting(table))}
    assert found == pytest.approx({"a": 0.6 / 0.8, "b": 0.4 / 0.8})
