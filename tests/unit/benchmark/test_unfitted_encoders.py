"""Scores of responses do not wait for encoding models that cannot be fitted."""

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark.tables import EncodingBenchmark
from groundtrace.benchmark.unfitted import or_say
from groundtrace.encoding.folds import image_folds
from groundtrace.tables import validate


def test_a_model_that_cannot_be_fitted_is_said_and_leaves_an_empty_table():
    @or_say
    def scored(image_of: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame({"fold": image_folds(image_of, 3, 5, 0)})

    with pytest.warns(UserWarning, match="encoding models are not scored: 3 images were shown, too few for 5 folds; "):
        found = scored(np.arange(3))
    assert validate(EncodingBenchmark, found).is_empty()
