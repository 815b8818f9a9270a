"""An NWB file of sorted spikes as pynwb writes it, in the layout of the Allen Institute for Neuropixels."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pynwb import NWBHDF5IO, NWBFile
from pynwb.epoch import TimeIntervals
from pynwb.image import ImageSeries

AREAS = ("VISp", "VISam")
PERIOD, LASTING = 0.5, 0.25
"""s, from one presentation to the next, and of each."""


def write_units(
    path: Path, units: int = 8, images: int = 4, repeats: int = 6, size: tuple[int, int] = (12, 16)
) -> Path:
    """Unit i fires four spikes in the presentations of image i % images, those of the last image none; every second one
    is in each of AREAS, and the first is noise."""
    random = np.random.default_rng(0)
    nwb = NWBFile("units", "a", datetime(2026, 1, 1, tzinfo=UTC))
    group = nwb.create_electrode_group("probe", "probe", "V1", nwb.create_device("probe"))
    for channel, area in enumerate(AREAS):
        nwb.add_electrode(id=850 + channel, location=area, group=group)
    order = np.concatenate([random.permutation(images) for _ in range(repeats)])
    start = 1.0 + PERIOD * np.arange(len(order))
    for name, text in (("peak_channel_id", "electrode"), ("quality", "by the sorter"), ("firing_rate", "Hz")):
        nwb.add_unit_column(name, text)
    for unit in range(units):
        own = start[order == unit % images] if unit % images < images - 1 else start[:0]
        times = (own[:, None] + np.array([0.1, 0.15, 0.2, 0.25])).ravel()
        quality = "noise" if unit == 0 else "good"
        nwb.add_unit(spike_times=times, peak_channel_id=850 + unit % 2, quality=quality, firing_rate=float(len(times)))
    shown = TimeIntervals(name="natural_scenes_presentations", description="scenes")
    shown.add_column("frame", "of the templates")
    for at, frame in zip(start, order, strict=True):
        shown.add_row(start_time=at, stop_time=at + LASTING, frame=float(frame))
    nwb.add_time_intervals(shown)
    stack = random.integers(0, 255, (images, *size), np.uint8)
    nwb.add_stimulus_template(ImageSeries(name="natural_scenes", data=stack, unit="n/a", rate=1.0))
    with NWBHDF5IO(str(path), "w") as handle:
        handle.write(nwb)
    return path
