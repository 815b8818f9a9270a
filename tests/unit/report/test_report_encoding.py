"""The page of encoding models where there are none: responses are shown elsewhere, and this page says why not."""

import numpy as np
import polars as pl

from groundtrace.encoding.steps import Encoded
from groundtrace.report.encoding import EncodingInputs, encoding_warnings, render_encoding
from groundtrace.report.tables import Warnings
from groundtrace.tables import validate

SAID = {
    "severity": "warning",
    "kind": "no_encoding_model",
    "found": "model cnn: 4 images have a response, and a model needs 8",
    "advice": "show more images",
}


def test_a_page_without_a_model_says_why():
    none = Encoded()
    tables = (none.scores, none.images, none.responses, none.inside, pl.DataFrame())
    given = EncodingInputs("sub-a/ses-1", 0, "default", *tables, {}, np.zeros((4, 8, 8)), [SAID])
    page = render_encoding(given)
    assert "No encoding model could be fitted." in page
    assert "Model cnn: 4 images have a response, and a model needs 8" in page
    assert "Show more images." in page
    told = validate(Warnings, encoding_warnings(given))
    assert told.select("step", "kind", "severity").rows() == [("encoding", "no_encoding_model", "warning")]
