"""Images of each cell, with what every model predicts of them."""

from typing import Any

import polars as pl

from groundtrace.report.encoding import EncodingInputs, with_error

KINDS = {"mei": "most exciting", "gabor": "best Gabor", "field": "receptive field", "best": "best of the set"}


def context(given: EncodingInputs) -> dict[str, Any] | None:
    if given.images.is_empty():
        return None
    return {"cells": [_cell(given, k, int(roi)) for k, roi in enumerate(given.pictures["rois"])]}


def _cell(given: EncodingInputs, k: int, roi: int) -> dict[str, Any]:
    scores = {row["model"]: row for row in given.scores.filter(roi=roi).iter_rows(named=True)}
    told = given.responses.filter(roi=roi)
    seen = given.images.filter(roi=roi)["best_images"][0].to_list()
    rows = []
    for name in given.models:
        own = told.filter(made_by=name)
        kinds = [kind for kind in KINDS if f"{kind}/{name}" in given.pictures]
        images = [_image(given, own.filter(image=kind), kind, given.pictures[f"{kind}/{name}"][k]) for kind in kinds]
        r = with_error(scores[name]["correlation"], scores[name]["correlation_error"])
        rows.append({"model": name, "images": images, "r": r})
    return {"roi": roi, "rows": rows, "seen": [given.picture(given.stack[image]) for image in seen]}


def _image(given: EncodingInputs, told: pl.DataFrame, kind: str, image) -> dict[str, Any]:
    predicted = [
        (row["model"], with_error(row["response"], row["response_error"])) for row in told.iter_rows(named=True)
    ]
    return {"label": KINDS[kind], "picture": given.picture(image), "predicted": predicted}
