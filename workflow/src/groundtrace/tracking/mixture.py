"""groundtrace's own tracking."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.needs import Need
from groundtrace.tracking.alignment import Search, align
from groundtrace.tracking.assignment import Evidence, assign, probabilities
from groundtrace.tracking.base import Aligned, Pairs, TrackingBackend, Tracks, Visit
from groundtrace.tracking.pairs import exclusive, learn
from groundtrace.tracking.placing import Canvas

TOLD = 0.01
"""Probability from which a pair is listed."""


class Mixture(TrackingBackend):
    """All sessions at once, by a mixture that is learnt from the field itself."""

    need: ClassVar[Need] = Need(450, pixel=1500, trace=0, seconds=60)

    backend: Literal["mixture"] = "mixture"

    def run(self, visits: Sequence[Visit]) -> Tracks:
        search = Search(self.max_rotation, self.max_scale, self.max_shift)
        aligned, reference = align(visits, search)
        canvas, rois = on_canvas(visits, aligned)
        candidates = canvas.candidates()
        odds = np.exp(learn(candidates, canvas.within()).log_odds(candidates.features))
        chance = exclusive(odds, candidates.first, candidates.second, canvas.session)
        with np.errstate(divide="ignore"):
            log_odds = np.log(chance) - np.log1p(-chance)
        evidence = Evidence.of(candidates.first, candidates.second, log_odds, canvas.session)
        track = assign(evidence)
        told = chance >= TOLD
        pairs = Pairs(
            rois[candidates.first[told]],
            rois[candidates.second[told]],
            candidates.distance[told],
            candidates.overlap[told],
            chance[told],
        )
        count = sum(len(visit.rois) for visit in visits)
        return gathered(aligned, reference, rois, count, track, *probabilities(evidence, track), pairs)


def on_canvas(visits: Sequence[Visit], aligned: Sequence[Aligned]) -> tuple[Canvas, IntArray]:
    """The ROIs of the aligned sessions on the reference, and their positions among those of all sessions."""
    diameter = float(np.median([visit.diameter for visit in visits]))
    number = np.cumsum([0, *(len(visit.rois) for visit in visits)])
    kept = [k for k, own in enumerate(aligned) if own.warp is not None]
    canvas = Canvas.of([visits[k] for k in kept], [w for own in aligned if (w := own.warp) is not None], diameter)
    return canvas, np.concatenate([np.arange(number[k], number[k + 1]) for k in kept])


def gathered(
    aligned: list[Aligned],
    reference: int,
    rois: IntArray,
    count: int,
    track: IntArray,
    probability: FloatArray,
    runner: IntArray,
    runner_probability: FloatArray,
    pairs: Pairs,
) -> Tracks:
    """What was found of the ROIs on the canvas, for all `count` ROIs."""

    def whole(values: FloatArray | IntArray | BoolArray, missing: float) -> np.ndarray:
        found = np.full(count, missing, values.dtype)
        found[rois] = values
        return found

    return Tracks(
        aligned,
        reference,
        whole(track, -1),
        whole(probability, np.nan),
        whole(runner, -1),
        whole(runner_probability, 0),
        pairs,
    )
