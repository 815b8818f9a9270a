"""Encoding models on cells whose responses to any image are known, from their true spike counts: time and accuracy.

    python measurements/encoding.py --images 118 --repeats 50 --cells 135        # the speed of a session
    python measurements/encoding.py --images 4000 --repeats 1 --cells 30 --most-exciting 30 --members 1

Half of the cells are simple (a Gabor, rectified), half complex (the amplitude of a quadrature pair). Images are patches
of scikit-learn's two photographs. Constants of the models were set by hand, and none was tuned on such cells.
"""

import argparse
import time

import numpy as np
import torch
from sklearn.datasets import load_sample_images

from groundtrace.arrays import FloatArray
from groundtrace.encoding.base import EncodingBackend, EncodingModel
from groundtrace.encoding.contrast import Contrast
from groundtrace.encoding.folds import predict_left_out
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.mei import best_gabor, most_exciting
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.pixels import Gabors
from groundtrace.encoding.scores import score

MODELS: dict[str, EncodingBackend] = {"linear": Linear(), "gabor": Gabor(), "network": EncodingNetwork()}
MEAN_COUNT = 1.5
"""Spikes in a presentation, mean over images."""
JUDGED = 500
"""Images that judge what was fitted to images shown once."""


def patches(count: int, shape: tuple[int, int], random: np.random.Generator) -> FloatArray:
    """(count, Y, X) from 0 to 1, at three magnifications, half of them mirrored."""
    photographs = [photograph.mean(axis=-1) / 255 for photograph in load_sample_images().images]
    found = []
    for _ in range(count):
        photograph, by = photographs[random.integers(2)], int(random.integers(1, 4))
        size = [by * n for n in shape]
        y, x = (int(random.integers(whole - part + 1)) for whole, part in zip(photograph.shape, size, strict=True))
        patch = photograph[y : y + size[0], x : x + size[1]].reshape(shape[0], by, shape[1], by).mean(axis=(1, 3))
        found.append(patch[:, ::-1] if random.integers(2) else patch)
    return np.array(found, np.float32)


class Cells:
    """Every second cell is complex."""

    def __init__(self, count: int, shape: tuple[int, int], random: np.random.Generator):
        frequency = np.exp(random.uniform(np.log(0.05), np.log(0.15), count))
        place = [random.uniform(0.3, 0.7, count) * size for size in shape]
        values = [*place, random.uniform(0, np.pi, count), np.log(frequency), np.log(0.5 / frequency), np.zeros(count)]
        self.pairs = Gabors(*(torch.tensor(value, dtype=torch.float32) for value in values)).pairs(shape).numpy()
        self.phase, self.complex = random.uniform(0, 2 * np.pi, count), np.arange(count) % 2 == 1

    def drive(self, images: FloatArray) -> FloatArray:
        """(n_cells, n_images)"""
        both = np.einsum("gpyx,iyx->pgi", self.pairs, images - 0.5)
        simple = np.cos(self.phase)[:, None] * both[0] + np.sin(self.phase)[:, None] * both[1]
        return np.where(self.complex[:, None], np.hypot(*both), np.maximum(simple, 0))

    def best(self, limits: tuple[float, float]) -> FloatArray:
        """(n_cells, Y, X) Gabors at a mean and RMS contrast."""
        turn = np.where(self.complex, 0, self.phase)
        own = self.pairs[:, 0] * np.cos(turn)[:, None, None] + self.pairs[:, 1] * np.sin(turn)[:, None, None]
        return (limits[0] + limits[1] * own / own.std(axis=(1, 2), keepdims=True)).astype(np.float32)

    def alike(self, images: FloatArray) -> FloatArray:
        """(n_cells,) correlation of images with the cells' own Gabors; of complex cells in the best phase."""
        found = []
        for pair, phase, either, image in zip(self.pairs, self.phase, self.complex, images, strict=True):
            even, odd, seen = (part.ravel() - part.mean() for part in (*pair, image))
            own = np.cos(phase) * even + np.sin(phase) * odd
            basis = np.column_stack([even, odd] if either else [own])
            fitted = basis @ np.linalg.lstsq(basis, seen, rcond=None)[0]
            found.append(np.corrcoef(fitted, seen)[0, 1] if either else np.corrcoef(own, seen)[0, 1])
        return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = {"images": 118, "repeats": 50, "cells": 135, "folds": 5, "seed": 1, "most-exciting": 0, "members": 3}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--shape", type=int, nargs=2, default=(60, 96))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    given = parser.parse_args()
    MODELS["network"] = EncodingNetwork(members=given.members)
    random = np.random.default_rng(given.seed)
    images, cells = patches(given.images, given.shape, random), Cells(given.cells, given.shape, random)
    drive = cells.drive(images)
    rate = MEAN_COUNT * drive / drive.mean(axis=1, keepdims=True)
    image_of = np.repeat(np.arange(given.images), given.repeats)
    counts = random.poisson(rate[:, image_of]).astype(np.float32)
    for name in given.models:
        began, model = time.process_time(), None
        if given.repeats > 1:
            predicted, judged = predict_left_out(MODELS[name], images, image_of, counts, given.folds, given.seed), rate
            how = f"{given.folds} folds"
        else:
            model, others = MODELS[name].fit(images, image_of, counts, given.seed), patches(JUDGED, given.shape, random)
            predicted, judged, how = model.predict(others), cells.drive(others), f"one fit, judged by {JUDGED} others"
        took = time.process_time() - began
        true = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(predicted, judged, strict=True)])
        text = [f"{name}: {took:.0f} CPU s for {how}"]
        for kind, some in (("simple", ~cells.complex), ("complex", cells.complex)):
            text.append(f"{kind}: r with the true rate {np.median(true[some]):.3f}")
            if given.repeats > 1:
                normalised = score(predicted, image_of, counts)["normalised"]
                text[-1] += f", CCnorm {np.nanmedian(normalised[some]):.3f}"
        print("; ".join(text), flush=True)
        if given.most_exciting:
            excite(name, model, given, images, image_of, counts, cells)


def excite(
    name: str,
    model: EncodingModel | None,
    given: argparse.Namespace,
    images: FloatArray,
    image_of,
    counts,
    cells: Cells,
) -> None:
    """True responses to the images that the model makes, relative to those to the true Gabors of the same contrast."""
    began = time.process_time()
    model = model or MODELS[name].fit(images, image_of, counts, given.seed)
    fitted = time.process_time() - began
    limits, chosen = (float(images.mean()), 0.3 * float(images.std(axis=(1, 2)).mean())), range(given.most_exciting)
    made = most_exciting(model, chosen, Contrast(*limits, 0.0, 1.0), steps=120, seed=given.seed).images
    gabors, _ = best_gabor(model, chosen, Contrast(*limits, 0.0, 1.0))
    off = images - images.mean(axis=(1, 2), keepdims=True)
    shown = limits[0] + limits[1] * off / off.std(axis=(1, 2), keepdims=True)
    own = np.arange(given.most_exciting)
    best = cells.drive(cells.best(limits))[own, own]
    alike = cells.alike(made)
    reached = {"most exciting": cells.drive(made)[own, own], "best Gabor": cells.drive(gabors)[own, own]}
    reached["best image shown"] = cells.drive(shown)[own].max(axis=1)
    for kind, some in (("simple", ~cells.complex[own]), ("complex", cells.complex[own])):
        parts = [f"{key} {np.median((value / best)[some]):.2f}" for key, value in reached.items()]
        won = np.mean((reached["most exciting"] > reached["best image shown"])[some])
        r = f"r with the true Gabor {np.median(alike[some]):.2f}"
        print(f"  {kind}: {r}; of the true optimum {', '.join(parts)}; above the best image {won:.0%}", flush=True)
    took = time.process_time() - began - fitted
    print(f"  fit {fitted:.0f} CPU s, images {took / given.most_exciting:.1f} CPU s a cell", flush=True)


if __name__ == "__main__":
    main()
