"""The control among trackings: whatever overlaps most, after an alignment by rotation, scale and shift."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from groundtrace.tracking.base import TrackingBackend

if TYPE_CHECKING:
    from groundtrace.tracking.field import Tracks, Visit


class Overlap(TrackingBackend):
    """Greedy: the pairs with the largest intersection over union first, each session joined to the tracks so far."""

    backend: Literal["overlap"] = "overlap"
    min_overlap: float = Field(default=0.5, gt=0, le=1)
    """Intersection over union of two footprints from which they are one cell."""

    def run(self, visits: "Sequence[Visit]") -> "Tracks":
        import numpy as np

        from groundtrace.tracking.alignment import Search, align
        from groundtrace.tracking.field import Pairs, Tracks
        from groundtrace.tracking.placing import on_canvas

        aligned, reference = align(visits, Search(self.max_rotation, self.max_scale, self.max_shift), rigid=True)
        canvas, rois = on_canvas(visits, aligned)
        found = canvas.candidates()
        share = canvas.shared(found.first, found.second)
        good = np.flatnonzero(share >= self.min_overlap)
        track, taken = np.arange(len(canvas.session)), [{int(session)} for session in canvas.session]
        for pair in good[np.argsort(-share[good], kind="stable")]:
            one, two = sorted((int(track[found.first[pair]]), int(track[found.second[pair]])))
            if one != two and not taken[one] & taken[two]:
                track[track == two] = one
                taken[one] |= taken[two]
        number = np.unique(track, return_inverse=True)[1]
        count = sum(len(visit.rois) for visit in visits)
        pairs = Pairs(
            rois[found.first[good]], rois[found.second[good]], found.distance[good], found.overlap[good], share[good]
        )
        none = np.full(len(track), -1)
        tracks = Tracks(aligned, reference, number, np.ones(len(track)), none, np.zeros(len(track)), pairs)
        return tracks.among(rois, count)
