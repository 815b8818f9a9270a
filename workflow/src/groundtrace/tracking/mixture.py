"""groundtrace's own tracking."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from groundtrace.needs import Need
from groundtrace.tracking.base import TrackingBackend

if TYPE_CHECKING:
    from groundtrace.tracking.field import Tracks, Visit

TOLD = 0.01
"""Probability from which a pair is listed."""


class Mixture(TrackingBackend):
    """All sessions at once, by a mixture that is learnt from the field itself."""

    need: ClassVar[Need] = Need(450, pixel=1500, seconds=60)

    backend: Literal["mixture"] = "mixture"

    def run(self, visits: "Sequence[Visit]") -> "Tracks":
        import numpy as np

        from groundtrace.tracking.alignment import Search, align
        from groundtrace.tracking.assignment import Evidence, assign, probabilities
        from groundtrace.tracking.field import Pairs, Tracks
        from groundtrace.tracking.pairs import exclusive, learn
        from groundtrace.tracking.placing import on_canvas

        aligned, reference = align(visits, Search(self.max_rotation, self.max_scale, self.max_shift))
        canvas, rois = on_canvas(visits, aligned)
        near = canvas.candidates()
        odds = np.exp(learn(near, canvas.within()).log_odds(near.features))
        chance = exclusive(odds, near.first, near.second, canvas.session)
        with np.errstate(divide="ignore"):
            log_odds = np.log(chance) - np.log1p(-chance)
        evidence = Evidence.of(near.first, near.second, log_odds, canvas.session)
        track, told = assign(evidence), chance >= TOLD
        first, second = rois[near.first[told]], rois[near.second[told]]
        pairs = Pairs(first, second, near.distance[told], near.overlap[told], chance[told])
        count = sum(len(visit.rois) for visit in visits)
        return Tracks(aligned, reference, track, *probabilities(evidence, track), pairs).among(rois, count)
