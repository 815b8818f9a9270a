"""Scores of responses do not wait for encoding models that cannot be fitted."""

import pytest

from groundtrace.benchmark.tables import EncodingBenchmark
from groundtrace.benchmark.unfitted import or_say
from groundtrace.encoding.folds import image_folds
from groundtrace.tables import validate


def test_a_model_that_cannot_be_fitted_is_said_and_leaves_an_empty_table(tmp_path):
    @or_say
    def scored(image_of):
        return image_folds(image_of, 3, 5, 0)

    with pytest.warns(UserWarning, match="encoding models are not scored: 3 images were shown, too few for 5 folds; "):
        found = scored([0, 1, 2])
    assert validate(EncodingBenchmark, found).is_empty()
