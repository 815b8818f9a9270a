"""Aligned mean images, and where each track is in each session."""

from typing import Any

import numpy as np

from groundtrace.report.footprints import pack_footprints
from groundtrace.report.html import contrast
from groundtrace.report.pictures import jpeg
from groundtrace.report.tracks import TracksInputs

SIDES = (640, 384, 256)
"""Longest side of an image, px, that are tried in turn."""
IMAGE_BYTES = 4_000_000
"""Most of all images together."""


def data(given: TracksInputs) -> dict[str, Any]:
    images = given.images["mean"]
    place = {track: k for k, track in enumerate(given.order)}
    rois = given.rois
    return {
        "days": given.short,
        "aligned": given.alignment["aligned"].to_list(),
        "pictures": pictures(images),
        "height": images.shape[1],
        "width": images.shape[2],
        "radius": float(given.images["diameter"]) / 2,
        "cells": {
            "track": [place[track] for track in rois["track"].to_list()],
            "day": rois["day"].to_list(),
            "roi": rois["roi"].to_list(),
            "y": [round(float(y), 1) for y in rois["y"]],
            "x": [round(float(x), 1) for x in rois["x"]],
            "probability": [round(float(p), 3) for p in rois["probability"].fill_null(float("nan"))],
            "runner": [round(float(p), 3) for p in rois["runner_up_probability"].fill_null(0)],
        },
        "footprints": pack_footprints(given.outlines, images.shape[2]),
        "numbers": given.order,
    }


def pictures(images: np.ndarray) -> list[str | None]:
    """JPEGs (data URIs) of (n, Y, X), each with its own contrast; None where there is nothing to show."""
    found: list[str | None] = []
    for side in SIDES:
        found = []
        step = max(1, -(-max(images.shape[1:]) // side))
        for image in images:
            values = image[np.isfinite(image)]
            if not values.size:
                found.append(None)
                continue
            low, high = np.percentile(values, [1, 99.7])
            shown = np.where(np.isfinite(image), image, low)[::step, ::step]
            found.append(jpeg(contrast(shown, float(low), float(high)), 85))
        if sum(len(one or "") for one in found) <= IMAGE_BYTES:
            break
    return found
