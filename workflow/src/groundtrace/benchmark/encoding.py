"""Encoding models against cells whose receptive fields are known: what they predict, and what their best images do."""

from collections.abc import Mapping

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.benchmark.responses import apart
from groundtrace.encoding.base import EncodingBackend, EncodingModel
from groundtrace.encoding.folds import predict_left_out
from groundtrace.responses.reliability import ceiling_normalised
from groundtrace.simulation.receptive_fields import Fields, best_images, respond
from groundtrace.simulation.stimulus import GREY, gratings, with_contrast

CONTRAST = 0.1
"""RMS contrast of best images: what fills a receptive field as strongly as the images of the stimulus do."""
PIXELS = (0.0, 1.0)
STARTS, STEPS = 2, 100
"""Of the ascent to a most exciting image."""
ANGLES = np.arange(0, 180, 7.5)
CYCLES = np.geomspace(0.04, 0.2, 6)
PHASES = np.arange(0, 360, 45.0)
"""Gratings, of all combinations, that a model is asked for its preferred orientation with."""


def score_model(
    backend: EncodingBackend,
    images: FloatArray,
    image_of: IntArray,
    response: FloatArray,
    fields: Fields,
    expected: FloatArray,
    folds: int,
    seed: int,
) -> dict[str, FloatArray]:
    """How well a model that is fitted to responses knows the true cells; each value is (n_cells,).

    Parameters
    ----------
    images : (n_images, Y, X)
        Pixel values, 0 to 1.
    image_of : (n_presentations,)
    response : (n_cells, n_presentations)
        What the model is fitted to.
    fields, expected : of the true cells
        Parameters, and (n_cells, n_images) mean responses.

    Returns
    -------
    dict
        `cc_norm`, as a user has it: CCnorm of left-out images by the responses themselves; `cc_true`: their
        correlation with the true mean responses; `mei`, `gabor`, `field`, `best_image`: the true response to each over
        that to the true best image of the same contrast; `orientation_off` (degrees) and `position_off` (px).
        Untuned cells have NaN.
    """
    scores = score_predictions(backend, images, image_of, response, expected, folds, seed)
    model = backend.fit(images, image_of, response, seed)
    scores |= best_of(model, images, image_of, response, fields, seed)
    tuned = fields.kind != "untuned"
    return {name: np.where(tuned, values, np.nan) for name, values in scores.items()}


def score_predictions(
    backend: EncodingBackend,
    images: FloatArray,
    image_of: IntArray,
    response: FloatArray,
    expected: FloatArray,
    folds: int,
    seed: int,
) -> dict[str, FloatArray]:
    """The first two of `score_model`, of images that were shown more than once."""
    predicted = predict_left_out(backend, images, image_of, response, folds, seed).astype(np.float64)
    judged = np.flatnonzero(np.bincount(image_of, minlength=len(images)) > 1)
    kept = np.isin(image_of, judged)
    condition = np.searchsorted(judged, image_of[kept])
    return {
        "cc_norm": ceiling_normalised(predicted[:, judged], response[:, kept], condition)["cc_norm"],
        "cc_true": correlations(predicted[:, judged], expected[:, judged]),
    }


def correlations(a: FloatArray, b: FloatArray) -> FloatArray:
    """Pearson r (n,) of rows of a and b (n, m); NaN of rows that do not vary."""
    a, b = (rows - rows.mean(axis=1, keepdims=True) for rows in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def best_of(
    model: EncodingModel, images: FloatArray, image_of: IntArray, response: FloatArray, fields: Fields, seed: int
) -> dict[str, FloatArray]:
    """What the true cells make of the images that a model takes for theirs, and where these lie."""
    from groundtrace.encoding.mei import best_gabor, most_exciting

    cells, shape = np.arange(len(response)), images.shape[1:]
    limits = ((GREY, CONTRAST), PIXELS)
    candidates = {
        "mei": most_exciting(model, cells, *limits, shape=shape, starts=STARTS, steps=STEPS, seed=seed).images,
        "gabor": best_gabor(model, cells, *limits, shape=shape)[0],
        "best_image": with_contrast(images[strongest_image(image_of, response, len(images))], GREY, CONTRAST),
    }
    if hasattr(model, "fields"):
        candidates["field"] = with_contrast(model.fields(), GREY, CONTRAST)  # pyright: ignore[reportAttributeAccessIssue]
    scores = relative(fields, candidates, shape)
    weight = (candidates["mei"].astype(np.float64) - GREY) ** 2
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    y, x = ((weight * grid).sum(axis=(1, 2)) for grid in np.indices(shape))
    scores["position_off"] = np.hypot(y - fields.y, x - fields.x)
    scores["orientation_off"] = apart(preferred(model, shape), fields.orientation)
    return scores


def strongest_image(image_of: IntArray, response: FloatArray, count: int) -> IntArray:
    """(n_cells,) image with the largest mean response."""
    known = np.isfinite(response)
    total, number = (
        np.stack([np.bincount(image_of, row, count) for row in rows]) for rows in (np.where(known, response, 0), known)
    )
    return np.where(number > 0, total / np.maximum(number, 1), -np.inf).argmax(axis=1)


def relative(fields: Fields, candidates: Mapping[str, FloatArray], shape: tuple[int, ...]) -> dict[str, FloatArray]:
    """True response of each cell to its own of the candidates (n_cells, Y, X) over that to its true best image."""

    def own(images: FloatArray) -> FloatArray:
        return np.array([respond(fields.take([cell]), image[None])[0, 0] for cell, image in enumerate(images)])

    best = own(best_images(fields, shape, CONTRAST, PIXELS))  # pyright: ignore[reportArgumentType]
    return {name: own(images.astype(np.float64)) / best for name, images in candidates.items()}


def preferred(model: EncodingModel, shape: tuple[int, ...]) -> FloatArray:
    """Orientation (n_cells,), degrees, that a model prefers: of gratings of the frequency and phase best for each."""
    angle, cycles, phase = (part.ravel() for part in np.meshgrid(ANGLES, CYCLES, PHASES, indexing="ij"))
    shown = GREY + CONTRAST * np.sqrt(2) * gratings(shape, angle, cycles, phase)  # pyright: ignore[reportArgumentType]
    best = model.predict(shown).reshape(-1, len(ANGLES), len(CYCLES) * len(PHASES)).max(axis=2)
    above = best - best.min(axis=1, keepdims=True)
    return np.degrees(np.angle((above**2 * np.exp(2j * np.radians(ANGLES))).sum(axis=1)) / 2) % 180
