"""Most exciting images of some cells beside other images of the same contrast."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import torch

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding import tables
from groundtrace.encoding.base import Trials
from groundtrace.encoding.contrast import Contrast
from groundtrace.encoding.linear import LinearModel
from groundtrace.encoding.mei import best_gabor, most_exciting
from groundtrace.encoding.mei_metrics import metrics, phase_free_similarity
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.encoding.steps import Fitted, Shown, jackknife
from groundtrace.tables import empty, list_column, single

BEST = 3
"""Images of the set that are shown beside a cell."""
FEWER = 3
"""As many times fewer steps where an image starts from that of the whole model."""
NAMES = {"rms": "local_rms"}


def contrast_of(images: FloatArray, parameters: EncodingParameters) -> Contrast:
    """Mean and RMS contrast of most exciting images, and range of pixels; raises InputError if out of reach."""
    low, high = float(images.min()), float(images.max())
    spread = float(images.std(axis=(1, 2)).mean())
    return Contrast(float(images.mean()), parameters.contrast * spread, low, high)


def chosen_cells(scores: pl.DataFrame, reliability: pl.DataFrame, count: int) -> IntArray:
    """ROIs whose images are made: selected cells, if there are some, those that any model predicts best first."""
    best = scores.filter(~pl.col("model").is_in(["mean", "oracle"])).group_by("roi").agg(pl.col("correlation").max())
    best = best.filter(pl.col("correlation").is_not_null())
    some = best.filter(pl.col("roi").is_in(reliability.filter("selected")["roi"].implode()))
    some = some if some.height else best
    return some.sort(["correlation", "roi"], descending=[True, False])["roi"].head(count).to_numpy()


class Gallery:
    """Images of cells by every model, and what every model predicts of them."""

    def __init__(self, fitted: Mapping[str, Fitted], shown: Shown, rois: IntArray, parameters: EncodingParameters):
        self.fitted, self.shown, self.rois, self.parameters = fitted, shown, rois, parameters
        self.limits = contrast_of(shown.images, parameters)
        self.cells = np.array([int(np.flatnonzero(shown.roi == roi)[0]) for roi in rois], np.int64)
        self.pictures: dict[str, FloatArray | IntArray] = {"rois": np.asarray(rois)}
        self.measured: list[pl.DataFrame] = []

    def make(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Tables MostExcitingImages and InSilicoResponses."""
        if not len(self.cells):
            return empty(tables.MostExcitingImages), empty(tables.InSilicoResponses)
        rows = [self._of_model(name) for name in self.fitted]
        return pl.concat(rows), pl.concat(self.measured)

    @property
    def _asked(self) -> dict:
        return {"cells": self.cells, "limits": self.limits, "shape": self.shown.images.shape[1:]}

    def _of_model(self, name: str) -> pl.DataFrame:
        own, steps = self.fitted[name], self.parameters.steps
        starts, seed = self.parameters.starts, self.parameters.seed
        found = most_exciting(own.whole, **self._asked, starts=starts, steps=steps, seed=seed)
        warm: dict = {"steps": max(steps // FEWER, 1), "begin": found.images}
        again = [most_exciting(part, **self._asked, **warm).images for part in own.parts]
        gabors, _ = best_gabor(own.whole, **self._asked, steps=max(steps // 2, 1))
        images = {"mei": found.images, "gabor": gabors, "best": self._best(name)}
        if (fields := self._fields()) is not None:
            images["field"] = fields
        for kind, stack in images.items():
            self.pictures[f"{kind}/{name}"] = stack.astype(np.float32)
            self.measured += [self._measured(stack, kind, name, by) for by in self.fitted]
        numbers, left = self._numbers(found.images, gabors), [self._numbers(stack, gabors) for stack in again]
        alike = np.mean([_correlations(found.images, stack) for stack in again], axis=0)
        columns = {"mean": found.mean, "rms": found.rms, "uniqueness": found.similarity, "stability": alike}
        for key, value in numbers.items():
            columns[key] = value
            columns[f"{key}_error"] = jackknife([_near(part[key], value, key) for part in left])
        frame = pl.DataFrame({key: single(value) for key, value in columns.items()})
        frame = frame.with_columns(
            roi=pl.Series(self.rois, dtype=pl.Int32), model=pl.lit(name), best_images=list_column(self._best_rows())
        )
        return frame.select(empty(tables.MostExcitingImages).columns)

    def _measured(self, images: FloatArray, kind: str, made_by: str, by: str) -> pl.DataFrame:
        """Rows of InSilicoResponses: own image of each cell, as one model predicts it."""
        rate, error = self.fitted[by].predict(images)
        own = (self.cells, np.arange(len(self.cells)))
        columns = {"response": single(rate[own]), "response_error": single(error[own])}
        columns["roi"] = pl.Series(self.rois, dtype=pl.Int32)
        frame = pl.DataFrame(columns).with_columns(made_by=pl.lit(made_by), image=pl.lit(kind), model=pl.lit(by))
        return frame.select(empty(tables.InSilicoResponses).columns)

    def _best(self, name: str) -> FloatArray:
        """(n_cells, Y, X) of the images that were shown that which the model likes best, at the common contrast."""
        seen = np.unique(self.shown.image_of)
        same = self._projected(self.shown.images[seen])
        return same[self.fitted[name].whole.predict(same)[self.cells].argmax(axis=1)]

    def _best_rows(self) -> IntArray:
        """(n_cells, BEST) images with the largest mean response, as measured."""
        trials = Trials.of(self.shown.image_of, self.shown.responses, len(self.shown.images))
        mean = np.where(trials.count > 0, trials.mean, -np.inf)[self.cells]
        return np.argsort(-mean, axis=1, kind="stable")[:, :BEST].astype(np.int32)

    def _fields(self) -> FloatArray | None:
        """(n_cells, Y, X) receptive fields of the first linear model, at the common contrast."""
        linear = [own.whole for own in self.fitted.values() if isinstance(own.whole, LinearModel)]
        return self._projected(linear[0].fields()[self.cells]) if linear else None

    def _projected(self, images: FloatArray) -> FloatArray:
        return self.limits.project(torch.from_numpy(np.ascontiguousarray(images, np.float32))).numpy()

    @staticmethod
    def _numbers(images: FloatArray, gabors: FloatArray) -> dict[str, FloatArray]:
        found = [metrics(image) for image in images]
        numbers = {NAMES.get(key, key): np.array([each[key] for each in found]) for key in found[0]}
        similar = [phase_free_similarity(image, gabor) for image, gabor in zip(images, gabors, strict=True)]
        return numbers | {"gabor_similarity": np.array(similar)}


def _near(value: FloatArray, other: FloatArray, key: str) -> FloatArray:
    """Angles as near as they are to others."""
    return other + (value - other + 90) % 180 - 90 if key == "orientation" else value


def _correlations(a: FloatArray, b: FloatArray) -> FloatArray:
    """(n,) between images (n, Y, X)."""
    a, b = (part.reshape(len(part), -1) - part.mean(axis=(1, 2))[:, None] for part in (a, b))
    return (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
