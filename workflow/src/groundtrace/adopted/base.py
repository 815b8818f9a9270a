"""ROIs and traces that another pipeline left."""

from dataclasses import dataclass, field

import numpy as np

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.extraction.base import Footprint

WEIGHT = 0.2
"""Share of a component's largest weight from which a pixel counts to it, as CaImAn draws contours."""


@dataclass(frozen=True)
class Adopted:
    """One plane, as a result of another pipeline holds it."""

    pipeline: str
    """Its name, as a reader knows it."""
    footprints: list[Footprint]
    names: list[str]
    """Of each ROI there."""
    accepted: BoolArray
    """(n_rois,) counts as a cell there."""
    shape: tuple[int, int]
    """(height, width) px."""
    frame_rate: float | None
    """Hz."""
    fluorescence: FloatArray | None
    """(n_rois, n_frames); None where only dF/F is left."""
    neuropil: FloatArray | None = None
    """(n_rois, n_frames); None where there is none, or none that is still in `fluorescence`."""
    dff: FloatArray | None = None
    """(n_rois, n_frames) fraction, the pipeline's own."""
    probability: FloatArray | None = None
    """(n_rois,) of being a cell, by the pipeline's classifier."""
    images: dict[str, FloatArray] = field(default_factory=dict)
    """(Y, X) each, of mean, maximum, correlation: those that there are."""
    shifts: FloatArray | None = None
    """(2, n_frames) px, y and x, by which the tissue had moved."""
    bad: BoolArray | None = None
    """(n_frames,) frames that the pipeline left out."""
    offset: float | None = None
    """Value of `fluorescence` and `neuropil` at zero photons; None where it is not told."""
    time: FloatArray | None = None
    """(n_frames,) s, increasing; None where only the rate is told."""
    segment: IntArray | None = None
    """(n_frames,) number of the stretch without a gap or a border of files; None where `time` tells the gaps."""
    notes: tuple[str, ...] = ()
    """`what was found; what to do`, one sentence each."""


def footprint(mask: FloatArray) -> Footprint:
    """Pixels of a component, weights (Y, X), without its faint part."""
    y, x = np.nonzero(mask > WEIGHT * mask.max(initial=0))
    weight = np.asarray(mask[y, x], np.float32)
    return y.astype(np.int32), x.astype(np.int32), weight / max(weight.sum(), np.float32(1e-12))
