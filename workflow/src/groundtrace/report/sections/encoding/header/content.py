"""What the page is about."""

from typing import Any

from groundtrace.report.encoding import EncodingInputs
from groundtrace.report.html import plural


def context(given: EncodingInputs) -> dict[str, Any]:
    cells = given.scores["roi"].n_unique()
    images = int(given.scores["images"].fill_null(0).to_numpy().max(initial=0))
    few = images < 500
    return {"cells": plural(cells, "cell"), "images": plural(images, "image"), "few": few}
