"""Nothing is inferred across a pause or a border of files."""

import numpy as np
import pytest

from groundtrace.indicators import indicators
from groundtrace.spikes.gaps import frames_missing, run_across_gaps
from groundtrace.spikes.oasis import Oasis

RATE, BORDER = 30.0, 300
TIME, SEGMENT = np.arange(600) / RATE, np.repeat([0, 1], BORDER)


def test_a_pause_counts_by_its_stamps_and_as_a_long_one_without():
    assert np.flatnonzero(frames_missing(TIME, SEGMENT, RATE)).tolist() == [BORDER]
    assert frames_missing(TIME, SEGMENT, RATE)[BORDER] == 60
    for lost, counted in ((5, 5), (600, 60)):
        later = TIME + (SEGMENT == 1) * lost / RATE
        assert frames_missing(later, SEGMENT, RATE)[BORDER] == counted


@pytest.mark.parametrize("ends_high", [True, False])
def test_a_jump_between_two_files_is_no_spike(ends_high):
    """One trial ends in a transient, or the next begins within one: a spike that fell into the pause."""
    random = np.random.default_rng(0)
    dff = random.normal(0, 0.02, (2, 600)).astype(np.float32)
    tail = np.exp(-np.arange(BORDER) / (0.57 * RATE)).astype(np.float32)
    dff[0, BORDER:] += 0 if ends_high else tail
    dff[0, BORDER - 15 : BORDER] += tail[:15] if ends_high else 0
    whole, apart = (
        run_across_gaps(Oasis(), dff, RATE, indicators()["GCaMP6s"], missing).rate
        for missing in (None, frames_missing(TIME, SEGMENT, RATE))
    )
    assert np.isfinite(apart).all()
    assert apart.shape == whole.shape
    here = slice(BORDER - 5, BORDER + 5)
    if ends_high:
        # A fall that no calcium shows makes a deconvolution doubt all the rest.
        assert apart[0, :200].sum() < 0.2 * whole[0, :200].sum()
    else:
        assert whole[0, here].sum() > 2 * RATE
        assert apart[0, here].sum() < 0.5 * whole[0, here].sum()
