"""Encoding models are judged by cells whose best image is known."""

import numpy as np
import pytest

from groundtrace.benchmark.encoding import correlations, preferred, relative, strongest_image
from groundtrace.random import stream
from groundtrace.simulation.parameters import StimulusParameters
from groundtrace.simulation.receptive_fields import Fields, best_images, draw_fields, filters, respond
from groundtrace.simulation.stimulus import GREY, draw_images, pixels, with_contrast

SHAPE, CONTRAST = (24, 32), 0.08
STIMULUS = StimulusParameters(n_images=40, height=24, width=32, untuned=0)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return pixels(draw_images(STIMULUS, stream(0, "images"))[0])


@pytest.fixture(scope="module")
def fields(images) -> Fields:
    return draw_fields(stream(1, "fields"), STIMULUS, np.full(12, 2.0), images)


class Known:
    """A model that is right."""

    def __init__(self, fields: Fields):
        self.fields = fields

    def predict(self, images: np.ndarray) -> np.ndarray:
        return respond(self.fields, images)


def test_no_image_does_more_than_the_true_best(fields, images):
    best = best_images(fields, SHAPE, CONTRAST)
    wrong = with_contrast(filters(fields._replace(orientation=fields.orientation + 90), SHAPE)[0], GREY, CONTRAST)
    found = relative(
        fields, {"best": best, "wrong": wrong, "image": with_contrast(images[:12], GREY, CONTRAST)}, SHAPE, CONTRAST
    )
    assert found["best"] == pytest.approx(np.ones(12), abs=1e-4)
    assert (found["wrong"] < 0.7).all()
    assert (found["image"] < 1).all()


def test_a_model_that_is_right_prefers_the_true_orientation(fields):
    off = np.abs((preferred(Known(fields), SHAPE, CONTRAST) - fields.orientation + 90) % 180 - 90)  # pyright: ignore[reportArgumentType]
    assert np.median(off) < 4
    assert off.max() < 20


def test_the_best_image_of_the_set_is_that_of_the_largest_mean(images):
    image_of = np.array([0, 0, 1, 1, 2, 2])
    response = np.array([[0, 4, 3, 2, 1, 1], [np.nan, 9, 1, 1, 2, 0]])
    assert strongest_image(image_of, response, 4).tolist() == [1, 0]


def test_correlations_are_those_of_rows():
    random = stream(3, "rows")
    a, b = random.normal(size=(2, 3, 20))
    assert correlations(a, b) == pytest.approx([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])
    assert np.isnan(correlations(np.ones((1, 5)), b[:1, :5]))
