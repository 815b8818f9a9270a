"""The page of a field: outlines lie where the reference has the cell, and a session that failed is named."""

import numpy as np
import polars as pl
import pytest

from groundtrace.report.tracks import Day, TracksInputs, render_tracks
from groundtrace.tracking.mixture import Mixture
from groundtrace.tracking.steps import Failed, Session, track
from tests.unit.report.report_decode import page_data
from tests.unit.tracking.test_fields import CELLS, session
from tests.unit.tracking.tissue import turned


def day(own: Session) -> Day:
    rois = own.rois.filter("accepted")
    traces = rois.select("roi", dff=pl.lit([0.0, 1.0, 0.5], pl.List(pl.Float32)))
    spikes = rois.select("roi", mean_rate=pl.lit(1.0, pl.Float32))
    return Day(rois, traces, spikes, own.acquisition.frame_rate, own.acquisition.pixel_size)


@pytest.fixture(scope="module")
def given() -> TracksInputs:
    """Two sessions, the second turned and with smaller pixels, and between them one that failed."""
    first, last = session(1, CELLS), session(3, turned(79.5 + (CELLS - 79.5) * 1.25, 3, 1, (4, -5)), pixel_size=0.8)
    last = Session(last.acquisition, last.rois, last.images, 12.5)
    with pytest.warns(UserWarning, match="ses-2 failed"):
        found = track([first, Failed("sub-M1/ses-2", "ingest: <cut short>"), last], Mixture())
    days = [day(first), Day.failed(), day(last)]
    return TracksInputs("sub-M1", "A", 0, "default", "mixture", found.tracks, found.alignment, found.images, days)


def test_outlines_of_one_cell_lie_on_each_other(given):
    """Cells are as many pixels wide in both sessions, so that the second's lies inside the first's on the reference."""
    shares = []
    for _, rows in given.rois.with_row_index().filter(pl.col("sessions") == 2).group_by("track"):
        one, two = (set(zip(*given.outlines[k], strict=True)) for k in rows["index"])
        shares.append(len(one & two) / min(len(one), len(two)))
    assert len(shares) > 25
    assert np.median(shares) > 0.95


def test_a_session_that_failed_is_named_on_the_page(given):
    page = render_tracks(given)
    assert "sub-M1/ses-2 failed" in page
    assert "ingest: &lt;cut short&gt;" in page
    data = page_data(page)
    assert data["pictures"][1] is None
    assert data["aligned"] == [True, False, True]
