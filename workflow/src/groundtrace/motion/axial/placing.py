"""The planes of a z-stack, where the recording lies in the plane."""

import numpy as np
from scipy.ndimage import gaussian_filter

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.errors import InputError
from groundtrace.motion.moving import Displacement, move_frames
from groundtrace.motion.phase.template import SMOOTHING, Matcher

FARTHEST = 0.1
"""How far planes may lie from the recording, as a fraction of the shorter side."""
LEAST = 0.2
"""Share of a plane's structure that the recording shows at least, at the best plane."""
CLEARLY = 1.5
"""...and over what it shows of that plane turned by half a turn, which is not there."""


def placed(planes: FloatArray, template: FloatArray, variance: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Planes moved to where the recording is, and the pixels that all of them show.

    The plane that is most like the template is registered to it, and each other plane to the one between. Raises
    InputError where none is like it.
    """
    found = [_where(plane, template, variance) for plane in planes]
    shares = np.array([share for _, share, _ in found])
    best = int(shares.argmax())
    if shares[best] < max(LEAST, CLEARLY * found[best][2]):
        raise InputError(
            f"z_stack: no plane is like the recording (the best, plane {best + 1}, shows {shares[best]:.0%} of its "
            "structure); is it the stack of this field, with its zoom and orientation? Leave z_stack empty otherwise"
        )
    moved = np.empty_like(planes)
    moved[best] = _moved(planes[best], found[best][0])
    for order, step in ((range(best - 1, -1, -1), 1), (range(best + 1, len(planes)), -1)):
        for k in order:
            before = moved[k + step]
            shift, _, _ = _where(planes[k], np.where(np.isfinite(before), before, np.nanmean(before)), variance)
            moved[k] = _moved(planes[k], shift)
    known = np.isfinite(moved)
    return np.where(known, moved, np.nanmean(moved)), np.all(known, axis=0)


def _where(plane: FloatArray, image: FloatArray, variance: FloatArray) -> tuple[FloatArray, float, float]:
    """Displacement (2,) px of a plane from an image, how much of the image it shows, and how much by chance."""
    bound = round(FARTHEST * min(image.shape))
    matcher = Matcher.of(gaussian_filter(image, SMOOTHING), variance, bound)
    (shift,), (share,) = matcher.locate(plane[None])
    _, (chance,) = matcher.mirrored.locate(plane[None])
    return shift, float(share), float(chance)


def _moved(plane: FloatArray, shift: FloatArray) -> FloatArray:
    """NaN outside."""
    y, x = np.asarray(shift, np.float32)[:, None]
    return move_frames(plane[None], Displacement.rigid(y, x), np.full(plane.shape, np.nan, np.float32))[0]
