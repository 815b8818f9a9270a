"""What the page is about."""

from collections.abc import Iterator
from typing import Any

from groundtrace.report.encoding import EncodingInputs
from groundtrace.report.html import plural
from groundtrace.report.sections.session.provenance.content import as_warning
from groundtrace.report.warning import Warning


def context(given: EncodingInputs) -> dict[str, Any]:
    cells = given.scores["roi"].n_unique()
    images = int(given.scores["images"].fill_null(0).to_numpy().max(initial=0))
    few = images < 500
    found = bool(given.models)
    return {"cells": plural(cells, "cell"), "images": plural(images, "image"), "few": few, "found": found}


def warnings(given: EncodingInputs) -> Iterator[Warning]:
    """Models that could not be fitted, and cells without one."""
    for notice in given.notices:
        yield as_warning("encoding", notice)
