"""An NWB file as pynwb writes it, in the layout of the Allen Institute: intervals of several stimuli, templates."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pynwb import NWBHDF5IO, NWBFile
from pynwb.base import TimeSeries
from pynwb.epoch import TimeIntervals
from pynwb.image import ImageSeries

from groundtrace.responses.conditions import varied, with_conditions
from groundtrace.responses.images import check_known, image_ids
from groundtrace.responses.presentations import read_stimuli


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("nwb") / "ecephys.nwb"
    nwb = NWBFile("stimuli", "a", datetime(2026, 1, 1, tzinfo=UTC))
    clock = TimeSeries(name="stimulus", data=np.arange(3), unit="s", timestamps=np.arange(3.0))
    nwb.add_acquisition(clock)
    scenes = TimeIntervals(name="natural_scenes_presentations", description="scenes")
    scenes.add_column("stimulus_name", "name")
    scenes.add_column("frame", "of the templates")
    scenes.add_column("stimulus_block", "block")
    for i, frame in enumerate([0, 2, -1, 0, 2]):
        scenes.add_row(
            start_time=1.0 + i,
            stop_time=1.25 + i,
            stimulus_name="natural_scenes",
            frame=float(frame),
            stimulus_block=2.0,
            tags=["a", "b"],
            timeseries=[(0, 2, clock)],
        )
    gratings = TimeIntervals(name="static_gratings_presentations", description="gratings")
    gratings.add_column("orientation", "degrees")
    for i, angle in enumerate([0.0, 90.0, 0.0, 90.0, np.nan, 0.0]):
        gratings.add_row(start_time=10.0 + i, stop_time=10.25 + i, orientation=angle)
    for table in (gratings, scenes):
        nwb.add_time_intervals(table)
    nwb.add_epoch(0.0, 20.0)
    stack = np.zeros((3, 8, 9), np.uint8)
    nwb.add_stimulus_template(ImageSeries(name="scenes", data=stack, unit="n/a", rate=1.0))
    with NWBHDF5IO(str(path), "w") as handle:
        handle.write(nwb)
    return path


def test_all_its_stimuli_are_read_with_what_was_shown(file):
    timed = read_stimuli(file).timed(np.arange(900) / 30, 30.0)
    found = with_conditions(timed, None, file)
    assert found["stimulus"].to_list() == ["natural_scenes"] * 5 + ["static_gratings"] * 6
    assert found["image"].to_list()[:5] == ["0", "2", None, "0", "2"]
    assert varied(timed) == ["orientation"]
    assert found["condition"].to_list() == [0, 1, None, 0, 1, 2, 3, 2, 3, None, 2]
    assert found["stimulus_block"].to_list()[:6] == [2, 2, 2, 2, 2, None]


def test_its_templates_are_the_images(file):
    assert image_ids(file) == ["0", "1", "2"]
    check_known(["0", "2"], file)
