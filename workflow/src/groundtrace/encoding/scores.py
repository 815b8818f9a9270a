"""How well predictions explain responses to images, with standard errors over images."""

import warnings
from collections.abc import Callable

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding.base import Trials
from groundtrace.responses.reliability import ceiling_normalised

GROUPS = 20
"""Groups of images of the jackknife."""
FEWEST = 3
"""Images shown twice that a ceiling needs."""
SCORES = ("correlation", "normalised", "feve")
Scores = dict[str, FloatArray]


def score(prediction: FloatArray, image_of: IntArray, responses: FloatArray) -> Scores:
    """Scores of predictions (n_cells, n_images), NaN where there is none, and by `…_error` their standard errors.

    image_of: (n_presentations,). responses: (n_cells, n_presentations). Each result is (n_cells,): `correlation` with
    the mean responses to all images; `normalised`, that over its ceiling, and `feve`, the fraction of explainable
    variance, of images shown at least twice. Errors are of a jackknife over images: how much other images of the same
    kind would change a score.
    """

    def of(image_of: IntArray, responses: FloatArray, rows: IntArray) -> Scores:
        return _scores(prediction[:, rows], image_of, responses)

    predicted = np.any(np.isfinite(prediction), axis=0)
    used = predicted[image_of]
    return _jackknifed(of, image_of[used], responses[:, used])


def oracle_score(image_of: IntArray, responses: FloatArray) -> Scores:
    """Scores as of `score`, where half of an image's trials are predicted by the mean of its other half: what the noise
    of trials leaves to a model that knows the cell as well as half of the trials do."""
    return _jackknifed(lambda image_of, responses, rows: _halves(image_of, responses), image_of, responses)


def _scores(prediction: FloatArray, image_of: IntArray, responses: FloatArray) -> Scores:
    trials = Trials.of(image_of, responses, prediction.shape[1])
    mean = np.where(trials.count > 0, trials.mean, np.nan)
    unknown = np.full(len(prediction), np.nan)
    found = {"correlation": _correlation(prediction, mean), "normalised": unknown, "feve": unknown}
    if (trials.count >= 2).sum(axis=1).max(initial=0) < FEWEST:
        return found
    with warnings.catch_warnings():
        # Of cells without any repeated image.
        warnings.simplefilter("ignore", RuntimeWarning)
        ceiling = ceiling_normalised(prediction.astype(np.float64), responses, image_of)
    return found | {"normalised": ceiling["cc_norm"], "feve": ceiling["feve"]}


def _halves(image_of: IntArray, responses: FloatArray) -> Scores:
    """Mean of both directions."""
    count = int(image_of.max()) + 1
    half = _repeat(image_of) % 2
    scores = []
    for one in (0, 1):
        known, other = (Trials.of(image_of[half == h], responses[:, half == h], count) for h in (one, 1 - one))
        both = (known.count > 0) & (other.count > 0)
        prediction = np.where(both, known.mean, np.nan)
        some = np.any(both, axis=0)
        rows = np.cumsum(some) - 1
        used = (half != one) & some[image_of]
        scores.append(_scores(prediction[:, some], rows[image_of[used]], responses[:, used]))
    return {name: (scores[0][name] + scores[1][name]) / 2 for name in scores[0]}


def _repeat(image_of: IntArray) -> IntArray:
    """(n_presentations,) 0-based number of a presentation among those of its image."""
    order = np.argsort(image_of, kind="stable")
    sorted_ = image_of[order]
    first = np.searchsorted(sorted_, sorted_)
    repeat = np.empty(len(order), np.int64)
    repeat[order] = np.arange(len(order)) - first
    return repeat


def _correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Pearson r (n_cells,) over images where both are known; NaN where one does not vary."""
    both = np.isfinite(a) & np.isfinite(b)
    number = np.maximum(both.sum(axis=1, keepdims=True), 1)
    off = []
    for values in (a, b):
        filled = np.where(both, values, 0).astype(np.float64)
        off.append(np.where(both, filled - filled.sum(axis=1, keepdims=True) / number, 0))
    a, b = off
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.where(spread > 1e-9, (a * b).sum(axis=1) / np.maximum(spread, 1e-9), np.nan)


def _jackknifed(
    of: Callable[[IntArray, FloatArray, IntArray], Scores], image_of: IntArray, responses: FloatArray
) -> Scores:
    """Scores of all images, and standard errors from those without each group of images.

    of: of rows of images that are counted from 0, responses, and which images these are.
    """
    shown = np.unique(image_of)
    groups = min(GROUPS, len(shown))
    group = np.full(int(image_of.max(initial=0)) + 1, -1)
    group[shown] = np.random.default_rng(0).permutation(len(shown)) % groups

    def without(k: int) -> Scores:
        used = group[image_of] != k
        rows, place = np.unique(image_of[used], return_inverse=True)
        return of(place, responses[:, used], rows)

    found = without(-1)
    if groups < 3:
        return found | {f"{name}_error": np.full(len(value), np.nan) for name, value in found.items()}
    left = [without(k) for k in range(groups)]
    for name in list(found):
        parts = np.stack([part[name] for part in left])
        off = parts - parts.mean(axis=0)
        found[f"{name}_error"] = np.sqrt((off**2).sum(axis=0) * (groups - 1) / groups)
    return found
