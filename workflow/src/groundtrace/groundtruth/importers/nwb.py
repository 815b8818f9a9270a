"""A lab's own ground truth as NWB: dF/F in a RoiResponseSeries, spike times in `units` or in a SpikeEventSeries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.importers.base import Neuron, Row, find_indicator, make_row, refuse
from groundtrace.groundtruth.parameters import GroundTruthSource


def import_nwb(files: list[Path], source: GroundTruthSource) -> Iterator[Row]:
    """Every neuron of every file; `dataset` is the folder of the file, `neuron` its name."""
    for path in files:
        yield from import_file(path, source)


def import_file(path: Path, source: GroundTruthSource) -> Iterator[Row]:
    """The neurons of one file: ROI i and unit i are one neuron, so there must be as many of each."""
    import h5py
    from pynwb import NWBHDF5IO

    if not h5py.is_hdf5(path):
        raise refuse(path, "not an NWB file (no HDF5)", "name NWB files only")
    # hdmf's decorator hides the signature from pyright.
    with NWBHDF5IO(path, "r") as handle:  # pyright: ignore[reportCallIssue]
        content: Any = handle.read()
        objects = list(content.objects.values())
        series = find_series(path, objects)
        time, dff = read_series(series)
        spikes = find_spikes(path, content, objects)
        if len(spikes) != dff.shape[1]:
            raise refuse(
                path,
                f"{dff.shape[1]} ROIs in {series.name!r} but {len(spikes)} units",
                "keep the recorded neurons in both, in the same order",
            )
        plane = series.rois.table.imaging_plane
        noted = getattr(plane, "indicator", None) or ""
        indicator = source.indicator or find_indicator(noted) or noted
        if not indicator:
            raise refuse(path, "its imaging plane names no indicator", "set `indicator` in the config")
        species = source.species or getattr(content.subject, "species", None) or ""
        area = source.area or getattr(plane, "location", None) or ""
    dataset = path.resolve().parent.name
    for i, times in enumerate(spikes):
        name = path.stem if len(spikes) == 1 else f"{path.stem}-{i}"
        row = make_row(
            Neuron(dataset, name, indicator, species, area, source.cell_class or ""), 0, time, dff[:, i], times
        )
        if row is not None:
            yield row


def find_series(path: Path, objects: list[Any]) -> Any:
    """The RoiResponseSeries that holds dF/F: the one named or contained in DfOverF, or the only one."""
    from pynwb.ophys import DfOverF, RoiResponseSeries

    series = [item for item in objects if isinstance(item, RoiResponseSeries)]
    named = [item for item in series if item.name == "DfOverF" or isinstance(item.parent, DfOverF)]
    found = named or series
    if len(found) != 1:
        names = ", ".join(str(item.name) for item in found) or "none"
        raise refuse(
            path, f"needs one RoiResponseSeries of dF/F (found: {names})", "put dF/F into one that is named DfOverF"
        )
    return found[0]


def read_series(series: Any) -> tuple[FloatArray, FloatArray]:
    """Times (n_frames,), s, and dF/F (n_frames, n_rois), fraction."""
    dff = np.asarray(series.data, np.float64) * series.conversion + series.offset
    dff = dff.reshape(len(dff), -1)
    if series.timestamps is not None:
        return np.asarray(series.timestamps, np.float64), dff
    return series.starting_time + np.arange(len(dff)) / series.rate, dff


def find_spikes(path: Path, content: Any, objects: list[Any]) -> list[FloatArray]:
    """Spike times, s, of each unit."""
    from pynwb.ecephys import SpikeEventSeries

    if content.units is not None and "spike_times" in content.units.colnames:
        return [np.asarray(content.units.get_unit_spike_times(i), np.float64) for i in range(len(content.units))]
    events = [item for item in objects if isinstance(item, SpikeEventSeries)]
    if not events:
        raise refuse(
            path,
            "holds no spike times",
            "fill the column spike_times of `units`, or add one SpikeEventSeries per neuron",
        )
    return [np.asarray(item.timestamps, np.float64) for item in events]
