"""What the page is about."""

from typing import Any

from groundtrace.report.encoding import EncodingInputs
from groundtrace.report.html import plural


def context(given: EncodingInputs) -> dict[str, Any]:
    cells = given.scores["roi"].n_unique()
    images = int(given.scores["images"].max() or 0)
    few = images < 500
    return {"cells": plural(cells, "cell"), "images": plural(images, "image"), "few": few}
