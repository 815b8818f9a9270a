"""A check of `groundtrace.testing` says which promise is broken, and how."""

from typing import Literal

import numpy as np
import pytest

from groundtrace.encoding.linear import Linear
from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.moving import Displacement
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.testing import check_encoding, check_motion, check_spikes


class Backwards(MotionBackend):
    """Tells the right number of shifts, and moves nothing."""

    backend: Literal["backwards"] = "backwards"

    def run(self, movie, registered, task) -> Registration:
        registered[:] = movie
        shift = np.full(len(movie), 3, np.float32)
        return Registration(Displacement.rigid(shift, shift), shift, movie[:].mean(axis=0).astype(np.float32))


class Silent(SpikeBackend):
    """Nothing ever fires."""

    backend: Literal["silent"] = "silent"

    def run(self, dff, frame_rate, indicator) -> SpikeRates:
        return SpikeRates(np.full(dff.shape, -1.0), np.zeros(len(dff)), np.zeros(len(dff)))


class UpsideDown(Linear):
    """Learns from the images as they are not."""

    def fit_means(self, images, trials, seed):
        return super().fit_means(images[:, ::-1].copy(), trials, seed)


def test_frames_that_do_not_lie_at_their_shifts():
    with pytest.raises(AssertionError, match=r"Backwards breaks the promise registered_pixels.*: frame 0: a pixel is"):
        check_motion(Backwards())


def test_rates_that_are_none():
    with pytest.raises(AssertionError, match=r"Silent breaks the promise rates_follow.*: rates are negative or NaN"):
        check_spikes(Silent())


def test_predictions_that_are_none():
    with pytest.raises(AssertionError, match=r"UpsideDown breaks the promise new_images.*: predictions correlate by"):
        check_encoding(UpsideDown())
