"""Encoding models against cells whose receptive fields are known: what they predict, and what their best images do."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.responses import NAMES, apart
from groundtrace.benchmark.tables import EncodingBenchmark
from groundtrace.benchmark.unfitted import or_say
from groundtrace.encoding.base import EncodingBackend, EncodingModel
from groundtrace.encoding.folds import predict_left_out
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.responses.reliability import ceiling_normalised
from groundtrace.simulation.receptive_fields import Fields, best_images, respond
from groundtrace.simulation.stimulus import GREY, gratings, with_contrast
from groundtrace.tables import single, stack

SCORES = (
    "cc_norm", "cc_true", "mei", "gabor", "field", "best_image", "position_off", "orientation_off",
)  # fmt: skip
"""Columns of EncodingBenchmark that are measured."""

PIXELS = (0.0, 1.0)
ANGLES = np.arange(0, 180, 7.5)
CYCLES = np.geomspace(0.04, 0.2, 6)
PHASES = np.arange(0, 360, 45.0)
"""Gratings, of all combinations, that a model is asked for its preferred orientation with."""


@or_say
def score_encoding(
    models: Mapping[str, EncodingBackend],
    parameters: EncodingParameters,
    cells: pl.DataFrame,
    truth: pl.DataFrame,
    images: FloatArray,
    image_of: IntArray,
    sources: Mapping[str, FloatArray],
) -> pl.DataFrame:
    """Table EncodingBenchmark: one row per cell, source of responses and model.

    cells: rows of CellBenchmark that are `judged`. truth: rows of TruthResponses of the plane. images: (n_images, Y, X)
    pixel values, 0 to 1. image_of: (n_presentations,). sources: responses (n_cells, n_presentations) by name.
    """
    known = truth[cells["cell"]]
    fields, expected = Fields.of(known), stack(known["response"]).astype(np.float64)
    chosen = np.flatnonzero(fields.kind != "untuned")[: parameters.cells]
    parts = []
    for name, model in models.items() if cells.height else ():
        for source, response in sources.items():
            found = score_predictions(model, images, image_of, response, expected, parameters.folds, parameters.seed)
            own = cells.select(*NAMES, "detectability", "noise_level").with_columns(
                source=pl.lit(source), model=pl.lit(name), kind=known["kind"], true_oracle=known["oracle"]
            )
            if source != "dff" and len(chosen):
                fitted = model.fit(images, image_of, response, parameters.seed)
                found |= best_of(fitted, chosen, images, image_of, response, fields, parameters)
            tuned = {key: np.where(fields.kind != "untuned", values, np.nan) for key, values in found.items()}
            numbers = {key: single(tuned.get(key, np.full(cells.height, np.nan))) for key in SCORES}
            parts += own.with_columns(**numbers).rows(named=True)
    return table_of(EncodingBenchmark, parts)


def score_predictions(
    backend: EncodingBackend,
    images: FloatArray,
    image_of: IntArray,
    response: FloatArray,
    expected: FloatArray,
    folds: int,
    seed: int,
) -> dict[str, FloatArray]:
    """How well left-out images that were shown more than once are predicted, (n_cells,) each.

    `cc_norm`, as a user has it: CCnorm by the responses themselves. `cc_true`: correlation with the true mean responses
    `expected` (n_cells, n_images).
    """
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
    model: EncodingModel,
    chosen: IntArray,
    images: FloatArray,
    image_of: IntArray,
    response: FloatArray,
    fields: Fields,
    parameters: EncodingParameters,
) -> dict[str, FloatArray]:
    """What the true cells make of the images that a model takes for theirs, and where these lie; (n_cells,) each.

    `mei`, `gabor`, `field`, `best_image`: the true response over that to the true best image of the same contrast.
    `position_off` (px) and `orientation_off` (degrees). NaN of cells that are not among those `chosen`.
    """
    from groundtrace.encoding.mei import best_gabor, most_exciting

    shape, own = images.shape[1:], fields.take(chosen)
    contrast = parameters.contrast * float(images.std(axis=(1, 2)).mean())
    limits, starts, steps = ((GREY, contrast), PIXELS), parameters.starts, parameters.steps
    strongest = images[strongest_image(image_of, response[chosen], len(images))]
    candidates = {
        "mei": most_exciting(model, chosen, *limits, shape, starts, steps, parameters.seed).images,
        "gabor": best_gabor(model, chosen, *limits, shape=shape)[0],
        "best_image": with_contrast(strongest, GREY, contrast),
    }
    if hasattr(model, "fields"):
        candidates["field"] = with_contrast(model.fields()[chosen], GREY, contrast)  # pyright: ignore[reportAttributeAccessIssue]
    scores = relative(own, candidates, shape, contrast)
    weight = (candidates["mei"].astype(np.float64) - GREY) ** 2
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    y, x = ((weight * grid).sum(axis=(1, 2)) for grid in np.indices(shape))
    scores["position_off"] = np.hypot(y - own.y, x - own.x)
    scores["orientation_off"] = apart(preferred(model, shape, contrast)[chosen], own.orientation)
    return {name: _spread(values, chosen, len(response)) for name, values in scores.items()}


def _spread(values: FloatArray, chosen: IntArray, count: int) -> FloatArray:
    found = np.full(count, np.nan)
    found[chosen] = values
    return found


def strongest_image(image_of: IntArray, response: FloatArray, count: int) -> IntArray:
    """(n_cells,) image with the largest mean response."""
    known = np.isfinite(response)
    total, number = (
        np.stack([np.bincount(image_of, row, count) for row in rows]) for rows in (np.where(known, response, 0), known)
    )
    return np.where(number > 0, total / np.maximum(number, 1), -np.inf).argmax(axis=1)


def relative(
    fields: Fields, candidates: Mapping[str, FloatArray], shape: tuple[int, ...], contrast: float
) -> dict[str, FloatArray]:
    """True response of each cell to its own of the candidates (n_cells, Y, X) over that to its true best image."""

    def own(images: FloatArray) -> FloatArray:
        return np.array([respond(fields.take([cell]), image[None])[0, 0] for cell, image in enumerate(images)])

    best = own(best_images(fields, shape, contrast, PIXELS))
    return {name: own(images.astype(np.float64)) / best for name, images in candidates.items()}


def preferred(model: EncodingModel, shape: tuple[int, ...], contrast: float) -> FloatArray:
    """Orientation (n_cells,), degrees, that a model prefers: of gratings of the frequency and phase best for each."""
    angle, cycles, phase = (part.ravel() for part in np.meshgrid(ANGLES, CYCLES, PHASES, indexing="ij"))
    shown = GREY + contrast * np.sqrt(2) * gratings(shape, angle, cycles, phase)
    best = model.predict(shown).reshape(-1, len(ANGLES), len(CYCLES) * len(PHASES)).max(axis=2)
    above = best - best.min(axis=1, keepdims=True)
    return np.degrees(np.angle((above**2 * np.exp(2j * np.radians(ANGLES))).sum(axis=1)) / 2) % 180
