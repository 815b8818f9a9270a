"""Encoding models against cells whose receptive fields are known: what they predict, and what their best images do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.parameters import RELIABLE, SURE
from groundtrace.benchmark.responses import NAMES, apart
from groundtrace.benchmark.tables import EncodingBenchmark
from groundtrace.benchmark.unfitted import or_say
from groundtrace.encoding.base import EncodingBackend, EncodingModel
from groundtrace.encoding.folds import predict_left_out
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.responses.reliability import ceiling_normalised
from groundtrace.simulation.receptive_fields import FITTED, Fields, best_images, preferred, respond
from groundtrace.simulation.stimulus import GREY, with_contrast
from groundtrace.tables import single, stack

if TYPE_CHECKING:
    from torch import Tensor

    from groundtrace.simulation.fitted import FittedNetwork

SCORES = (
    "cc_norm", "cc_true", "mei", "gabor", "field", "best_image", "position_off", "orientation_off",
)  # fmt: skip
"""Columns of EncodingBenchmark that are measured."""

PIXELS = (0.0, 1.0)
STARTS = 2
"""Of the ascent to the best image of a fitted cell."""


@dataclass(frozen=True)
class Stimulus:
    """What was shown, and the network that fitted cells are of, if there are any."""

    images: FloatArray
    """(n_images, Y, X) pixel values, 0 to 1."""
    image_of: IntArray
    """(n_presentations,)."""
    network: "FittedNetwork | None" = None

    @property
    def judged(self) -> IntArray:
        """Images that were shown more than once: predictions are judged by them."""
        return np.flatnonzero(np.bincount(self.image_of, minlength=len(self.images)) > 1)

    @property
    def single(self) -> bool:
        """Most images were shown once: models learn from these alone, and the others judge them."""
        return 2 * len(self.judged) < len(self.images)


@or_say
def score_encoding(
    models: Mapping[str, EncodingBackend],
    parameters: EncodingParameters,
    cells: pl.DataFrame,
    truth: pl.DataFrame,
    shown: Stimulus,
    sources: Mapping[str, FloatArray],
) -> pl.DataFrame:
    """Table EncodingBenchmark: one row per cell, source of responses and model.

    cells: rows of CellBenchmark that are `judged`, with the column expected_correlation of their spikes. truth: rows of
    TruthResponses of the plane. sources: responses (n_cells, n_presentations) by name.
    """
    known = truth[cells["cell"]]
    fields, expected = Fields.of(known), stack(known["response"]).astype(np.float64)
    chosen = np.flatnonzero(counted(cells, known))[: parameters.cells]
    optimum = best_of_truth(fields.take(chosen), shown, parameters)
    parts = []
    for name, model in models.items() if cells.height else ():
        for source, response in sources.items():
            found, fitted = score_predictions(model, shown, response, expected, parameters)
            own = cells.select(*NAMES, "detectability", "noise_level", "expected_correlation").with_columns(
                source=pl.lit(source), model=pl.lit(name), kind=known["kind"], true_oracle=known["oracle"]
            )
            if source != "dff" and len(chosen):
                fitted = fitted or model.fit(shown.images, shown.image_of, response, parameters.seed)
                found |= best_of(fitted, chosen, shown, response, optimum, parameters)
            tuned = {key: np.where(fields.kind != "untuned", values, np.nan) for key, values in found.items()}
            numbers = {key: single(tuned.get(key, np.full(cells.height, np.nan))) for key in SCORES}
            parts += own.with_columns(**numbers).rows(named=True)
    return table_of(EncodingBenchmark, parts)


def counted(cells: pl.DataFrame, known: pl.DataFrame) -> BoolArray:
    """(n_cells,) tuned, reliable cells whose spikes are sure, or of a method that does not say."""
    sure = cells["expected_correlation"].fill_nan(None).fill_null(1.0) >= SURE
    return (sure & (known["kind"] != "untuned") & (known["oracle"].fill_null(0.0) >= RELIABLE)).to_numpy()


def score_predictions(
    backend: EncodingBackend,
    shown: Stimulus,
    response: FloatArray,
    expected: FloatArray,
    parameters: EncodingParameters,
) -> tuple[dict[str, FloatArray], EncodingModel | None]:
    """How well images that were shown more than once are predicted by a model that has not seen them, (n_cells,) each;
    and the model, where there is one alone.

    `cc_norm`, as a user has it: CCnorm by the responses themselves. `cc_true`: correlation with the true mean responses
    `expected` (n_cells, n_images).
    """
    images, image_of, judged, model = shown.images, shown.image_of, shown.judged, None
    kept = np.isin(image_of, judged)
    if shown.single:
        model = backend.fit(images, image_of[~kept], response[:, ~kept], parameters.seed)
        predicted = model.predict(images[judged]).astype(np.float64)
    else:
        found = predict_left_out(backend, images, image_of, response, parameters.folds, parameters.seed)
        predicted = found.astype(np.float64)[:, judged]
    condition = np.searchsorted(judged, image_of[kept])
    return {
        "cc_norm": ceiling_normalised(predicted, response[:, kept], condition)["cc_norm"],
        "cc_true": correlations(predicted, expected[:, judged]),
    }, model


def correlations(a: FloatArray, b: FloatArray) -> FloatArray:
    """Pearson r (n,) of rows of a and b (n, m); NaN of rows that do not vary."""
    a, b = (rows - rows.mean(axis=1, keepdims=True) for rows in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


@dataclass(frozen=True)
class Optimum:
    """True cells, and what the best image of a contrast does to them."""

    fields: Fields
    contrast: float
    """RMS, of pixel values."""
    response: FloatArray
    """(n_cells,) spikes."""
    centre: FloatArray
    """(2, n_cells) y and x, px: of the receptive field; of a fitted cell, of its best image."""
    network: "FittedNetwork | None"

    def responses(self, images: FloatArray) -> FloatArray:
        """(n_cells,) spikes, of each cell to its own image (n_cells, Y, X)."""
        rows = enumerate(images.astype(np.float64))
        return np.array([respond(self.fields.take([cell]), image[None], self.network)[0, 0] for cell, image in rows])


def best_of_truth(fields: Fields, shown: Stimulus, parameters: EncodingParameters) -> Optimum:
    """The optimum of true cells: of fitted ones by the ascent that makes images of models."""
    from groundtrace.encoding.contrast import Contrast
    from groundtrace.encoding.mei import most_exciting

    shape = shown.images.shape[1:]
    contrast = parameters.contrast * float(shown.images.std(axis=(1, 2)).mean())
    best: FloatArray = np.zeros((len(fields.kind), *shape))
    gabor = fields.kind != FITTED
    best[gabor] = best_images(fields.take(gabor), shape, contrast, PIXELS)
    if not gabor.all():
        assert shown.network is not None, "fitted cells are those of a network"
        own = _FittedCells(shown.network, fields.neuron[~gabor].astype(np.int64))
        limits = Contrast(GREY, contrast, *PIXELS)
        made = most_exciting(own, range(len(own.neurons)), limits, shape, starts=STARTS, steps=parameters.steps)
        best[~gabor] = made.images
    place = np.where(gabor, [fields.y, fields.x], centres(best))
    unknown = Optimum(fields, contrast, np.zeros(0), place, shown.network)
    return replace(unknown, response=unknown.responses(best))


class _FittedCells(EncodingModel):
    """True cells as a model that knows them."""

    def __init__(self, network: "FittedNetwork", neurons: IntArray):
        self.network, self.neurons = network, neurons

    def response(self, image_batch: "Tensor") -> "Tensor":
        return self.network.response(image_batch.cpu(), self.neurons).to(image_batch.device)


def best_of(
    model: EncodingModel,
    chosen: IntArray,
    shown: Stimulus,
    response: FloatArray,
    optimum: Optimum,
    parameters: EncodingParameters,
) -> dict[str, FloatArray]:
    """What the true cells make of the images that a model takes for theirs, and where these lie; (n_cells,) each.

    `mei`, `gabor`, `field`, `best_image`: the true response over that to the true best image of the same contrast.
    `position_off` (px) and `orientation_off` (degrees). NaN of cells that are not among those `chosen`.
    """
    from groundtrace.encoding.contrast import Contrast
    from groundtrace.encoding.mei import best_gabor, most_exciting

    shape, contrast = shown.images.shape[1:], optimum.contrast
    limits, starts, steps = Contrast(GREY, contrast, *PIXELS), parameters.starts, parameters.steps
    strongest = shown.images[strongest_image(shown.image_of, response[chosen], len(shown.images))]
    candidates = {
        "mei": most_exciting(model, chosen, limits, shape, starts, steps, parameters.seed).images,
        "gabor": best_gabor(model, chosen, limits, shape)[0],
        "best_image": with_contrast(strongest, GREY, contrast),
    }
    if hasattr(model, "fields"):
        candidates["field"] = with_contrast(model.fields()[chosen], GREY, contrast)  # pyright: ignore[reportAttributeAccessIssue]
    scores: dict[str, FloatArray] = {
        name: optimum.responses(images) / optimum.response for name, images in candidates.items()
    }
    scores["position_off"] = np.hypot(*(centres(candidates["mei"]) - optimum.centre))
    scores["orientation_off"] = apart(preferred(model.predict, shape, contrast)[chosen], optimum.fields.orientation)
    return {name: _spread(values, chosen, len(response)) for name, values in scores.items()}


def centres(images: FloatArray) -> FloatArray:
    """(2, n) y and x, px: of the squares of how far images (n, Y, X) are from grey."""
    weight = (images.astype(np.float64) - GREY) ** 2
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    return np.stack([(weight * grid).sum(axis=(1, 2)) for grid in np.indices(images.shape[1:])])


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
