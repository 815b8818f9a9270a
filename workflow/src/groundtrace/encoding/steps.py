"""From responses and images to the tables of encoding models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding import tables
from groundtrace.encoding.base import EncodingBackend, EncodingModel, Trials
from groundtrace.encoding.folds import fit_folds, image_folds, left_out
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.encoding.scores import SCORES, oracle_score, score
from groundtrace.errors import InputError
from groundtrace.notices import notice
from groundtrace.responses.images import rows_of
from groundtrace.tables import empty, single, stack

MEAN, ORACLE = "mean", "oracle"
"""Controls."""


@dataclass(frozen=True)
class Shown:
    """Images and what cells did."""

    images: FloatArray
    """(n_images, Y, X)"""
    image_of: IntArray
    """(n_presentations,)"""
    responses: FloatArray
    """(n_cells, n_presentations) spikes."""
    roi: IntArray
    """(n_cells,)"""

    def folds(self, parameters: EncodingParameters) -> IntArray:
        """(n_images,) fold of each image, -1 of those that were not shown; raises InputError for too few images."""
        return image_folds(self.image_of, len(self.images), parameters.folds, parameters.seed)

    @classmethod
    def of(cls, presentations: pl.DataFrame, responses: pl.DataFrame, ids: list[str], images: FloatArray) -> "Shown":
        """From the tables Presentations and Responses; cells are accepted ROIs. An unknown image is an InputError."""
        with_image = presentations["image"].is_not_null().to_numpy()
        names = presentations["image"].drop_nulls().to_list()
        rows = rows_of(names, ids, "stimulus_images")
        cells = responses.filter("accepted")
        values = stack(cells["response"])[:, with_image] if cells.height else np.zeros((0, len(names)), np.float32)
        return cls(images, np.array([rows[name] for name in names], np.int64), values, cells["roi"].to_numpy())

    def check(self) -> None:
        """Raise InputError where nothing can be learnt from them."""
        if not len(self.image_of):
            raise InputError("encode: no presentation shows an image; fill the column image of the stimuli")
        if not len(self.roi):
            raise InputError("encode: no ROI is accepted as a cell; look at the extraction")


@dataclass(frozen=True)
class Fitted:
    """A model of all images, and those without one fold."""

    whole: EncodingModel
    parts: list[EncodingModel]
    prediction: FloatArray
    """(n_cells, n_images), by models that have not seen the image."""

    def predict(self, images: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n_cells, n_images) responses, and their standard errors of a jackknife over folds."""
        return self.whole.predict(images), jackknife([part.predict(images) for part in self.parts])


@dataclass(frozen=True)
class Unfitted:
    """A model that could not be fitted."""

    reason: str
    """`model NAME: what was found; what to do`."""


@dataclass(frozen=True)
class Encoded:
    """What the rule `encoding` writes; empty tables where no model could be fitted."""

    scores: pl.DataFrame = field(default_factory=lambda: empty(tables.Encoding))
    images: pl.DataFrame = field(default_factory=lambda: empty(tables.MostExcitingImages))
    responses: pl.DataFrame = field(default_factory=lambda: empty(tables.InSilicoResponses))
    inside: pl.DataFrame = field(default_factory=lambda: empty(tables.Inside))
    pictures: Mapping[str, Any] = field(default_factory=dict)


def jackknife(left: list[FloatArray]) -> FloatArray:
    """Standard error of what was found without each of some groups."""
    off = np.stack(left) - np.mean(left, axis=0)
    return np.sqrt((off**2).sum(axis=0) * (len(left) - 1) / len(left))


def fit(backend: EncodingBackend, shown: Shown, parameters: EncodingParameters, threads: int = 1) -> Fitted:
    """A model, fitted to all images and without each fold.

    Raises InputError where it cannot be fitted to them, as where there are too few images.
    """
    shown.check()
    data = (shown.images, shown.image_of, shown.responses)
    parts = fit_folds(backend, *data, shown.folds(parameters), parameters.seed, threads)
    whole = backend.fit(*data, parameters.seed)
    return Fitted(whole, parts, left_out(parts, shown.images, shown.folds(parameters)))


def fit_or_say(
    name: str, backend: EncodingBackend, shown: Shown, parameters: EncodingParameters, threads: int = 1
) -> Fitted | Unfitted:
    """The same; where it cannot be fitted, why: other models and the responses are as good without it."""
    try:
        return fit(backend, shown, parameters, threads)
    except InputError as error:
        unfitted = Unfitted(f"model {name}: {str(error).removeprefix('encode: ')}")
        notice("no_encoding_model", unfitted.reason)
        return unfitted


def judge(fitted: Mapping[str, Fitted], shown: Shown, parameters: EncodingParameters) -> pl.DataFrame:
    """Table Encoding."""
    data = (shown.image_of, shown.responses)
    found = {name: score(model.prediction, *data) for name, model in fitted.items()}
    control = score(_mean_of_others(shown, shown.folds(parameters)), *data)
    # Constant within a fold, and higher where the fold itself is lower: its correlation is no floor.
    unknown = np.full(len(shown.roi), np.nan)
    found[MEAN] = control | {f"{name}{end}": unknown for name in SCORES[:2] for end in ("", "_error")}
    found[ORACLE] = oracle_score(*data)
    images = (Trials.of(*data, len(shown.images)).count > 0).sum(axis=1)
    parts = []
    for name, scores in found.items():
        columns = {"roi": shown.roi, "model": [name] * len(shown.roi), "images": images.astype(np.int32)}
        parts.append(pl.DataFrame(columns | {key: single(value) for key, value in scores.items()}))
    return pl.concat([part.select(empty(tables.Encoding).columns) for part in parts])


def _mean_of_others(shown: Shown, fold: IntArray) -> FloatArray:
    """(n_cells, n_images) mean response to the images of other folds."""
    trials = Trials.of(shown.image_of, shown.responses, len(shown.images))
    found = np.full(trials.mean.shape, np.nan)
    for k in range(fold.max() + 1):
        others = (fold != k) & (fold >= 0)
        weight = (trials.count > 0) * others
        mean = (trials.mean * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
        found[:, fold == k] = mean[:, None]
    return found


def encode(
    models: Mapping[str, Fitted | Unfitted], shown: Shown, reliability: pl.DataFrame, parameters: EncodingParameters
) -> Encoded:
    """Judge models, make the images that excite cells most, and look inside the first network."""
    from groundtrace.encoding.gallery import Gallery, chosen_cells
    from groundtrace.encoding.learnt import first_network, look_inside

    for model in models.values():
        if isinstance(model, Unfitted):
            notice("no_encoding_model", model.reason)
    fitted = {name: model for name, model in models.items() if isinstance(model, Fitted)}
    if not fitted:
        return Encoded()
    lost = int((~np.isfinite(shown.responses).any(axis=1)).sum())
    if lost:
        notice("no_response", f"{lost} of {len(shown.roi)} cells have no response at all, and no encoding model")
    scores = judge(fitted, shown, parameters)
    gallery = Gallery(fitted, shown, chosen_cells(scores, reliability, parameters.cells), parameters)
    images, responses = gallery.make()
    network = first_network(fitted)
    inside, pictures = look_inside(network, shown, parameters) if network else (empty(tables.Inside), {})
    return Encoded(scores, images, responses, inside, gallery.pictures | pictures)
