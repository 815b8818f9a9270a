"""Tables of an NWB file: ROIs, bad frames, provenance."""

# pynwb makes its signatures as it is imported.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import yaml
from hdmf.backends.hdf5.h5_utils import H5DataIO
from hdmf.common import DynamicTable, ElementIdentifiers, VectorData, VectorIndex
from pynwb import NWBFile
from pynwb.epoch import TimeIntervals

from groundtrace.io import read_meanings, read_provenance, read_table
from groundtrace.results import SessionResults

KEYS = ("session", "plane", "recipe", "roi", "accepted", "centroid_x", "centroid_y")
"""Columns of a ROI that the file has in another form."""
PIXEL = np.dtype([("x", np.uint32), ("y", np.uint32), ("weight", np.float32)])


def roi_columns(plane: SessionResults, masks: Callable[[pl.DataFrame], H5DataIO]) -> dict[str, Any]:
    """`id`, `columns` and `colnames` of a PlaneSegmentation; columns in which nothing is known are left out.

    masks: image masks of footprints.
    """
    numbers = plane.numbers()
    footprints = read_table(plane.files["rois"], ["pixel_y", "pixel_x", "weight"])
    accepted = numbers["accepted"].to_numpy()
    centroids = numbers.select("centroid_x", "centroid_y").to_numpy()
    columns: list[VectorData] = [
        VectorData(name="image_mask", description="weights of the pixels of the field (x, y)", data=masks(footprints)),
        *_pixel_masks(footprints),
        VectorData(name="Accepted", description="the ROI counts as a cell", data=accepted),
        VectorData(name="Rejected", description="the ROI does not count as a cell", data=~accepted),
        VectorData(name="ROICentroids", description="weighted mean x, y of its pixels, px", data=centroids),
    ]
    meanings = {
        name: meaning
        for file in ("spikes", "traces", "rois")
        for name, meaning in read_meanings(plane.files[file]).items()
    }
    for series in numbers.drop(KEYS):
        if series.null_count() < len(series):
            unit, meaning = meanings[series.name]
            told = f"{meaning} ({unit})" if unit else meaning
            columns.append(VectorData(name=series.name, description=told, data=_values(series)))
    names = tuple(column.name for column in columns if not isinstance(column, VectorIndex))
    return {"id": ElementIdentifiers(name="id", data=numbers["roi"].to_list()), "columns": columns, "colnames": names}


def add_bad_frames(nwb: NWBFile, planes: Sequence[SessionResults]) -> None:
    """Stretches of frames without dF/F and rate, which are NaN in the series, with the reason.

    Stretches of all planes follow each other: with those of each plane, several could begin at one time.
    """
    table = TimeIntervals(name="bad_frames", description="frames without dF/F and spike rate, which are NaN there")
    table.add_column(name="reason", description="why the frame is not used, in which plane")
    why = [_reasons(plane) for plane in planes]
    frames = min(map(len, why))
    told = pl.concat([reasons[:frames] for reasons in why], how="horizontal")
    runs = told.select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).rle()).to_series().struct.unnest()
    time, length = planes[0].time.values, 1 / planes[0].acquisition.frame_rate
    for count, reason, end in zip(runs["len"], runs["value"], runs["len"].cum_sum(), strict=True):
        if reason:
            table.add_row(start_time=time[end - count], stop_time=time[end - 1] + length, reason=reason)
    if len(table):
        nwb.add_time_intervals(table)


def add_segments(nwb: NWBFile, plane: SessionResults) -> None:
    """Stretches between gaps and borders of files, where there are several."""
    frames = read_table(plane.files["frames"], ["segment"])
    parts = frames.with_columns(time=plane.time.values).group_by("segment", maintain_order=True)
    spans = parts.agg(start=pl.col("time").first(), end=pl.col("time").last())
    if spans.height < 2:
        return
    table = TimeIntervals(
        name="segments",
        description="stretches without a gap or a border of files: each has its own brightness and baseline, and no "
        "spike rate is inferred across",
    )
    for start, end in spans.select("start", "end").iter_rows():
        table.add_row(start_time=start, stop_time=end + 1 / plane.acquisition.frame_rate)
    nwb.add_time_intervals(table)


def _reasons(plane: SessionResults) -> pl.DataFrame:
    """Of each frame of a plane why it is not used; null where it is."""
    usable = read_table(plane.files["brightness"], ["usable"])["usable"]
    reason = pl.when("bad").then("reason").when(~usable).then(pl.lit("no light"))
    told = pl.format("plane {}: {}", pl.lit(plane.plane), reason).alias(f"plane {plane.plane}")
    return read_table(plane.files["shifts"], ["bad", "reason"]).select(told)


def add_provenance(nwb: NWBFile, planes: Sequence[SessionResults]) -> None:
    """Steps with parameters (YAML) and versions, and the raw files with their SHA-256."""
    steps = DynamicTable(name="provenance", description="what made the results: steps in their order")
    for name, meaning in (
        ("plane", "imaging plane, 0-based"),
        ("step", "of the workflow"),
        ("parameters", "YAML"),
        ("versions", "of the packages that decide the result"),
    ):
        steps.add_column(name=name, description=meaning)
    files = DynamicTable(name="raw_files", description="what the session was recorded into")
    for name, meaning in (("file", "name"), ("sha256", "of the whole file"), ("frames", "raw frames in the file")):
        files.add_column(name=name, description=meaning)
    sources: dict[str, dict[str, Any]] = {}
    for plane in planes:
        made_by = read_provenance(plane.files["spikes"])
        sources |= {source["sha256"]: source for source in made_by["sources"]}
        for entry in made_by["history"]:
            parameters = yaml.safe_dump(entry["parameters"], sort_keys=True) if entry["parameters"] else ""
            versions = ", ".join(f"{package} {version}" for package, version in entry["versions"].items())
            steps.add_row(plane=f"plane-{plane.plane}", step=entry["step"], parameters=parameters, versions=versions)
    for source in sources.values():
        files.add_row(file=source["name"], sha256=source["sha256"], frames=source["frames"])
    for table in (steps, files):
        if len(table):
            nwb.add_analysis(table)


def _pixel_masks(footprints: pl.DataFrame) -> list[VectorData]:
    """Pixels of all ROIs one after the other, and where those of each end."""
    flat = footprints.explode("pixel_y", "pixel_x", "weight")
    pixels = np.empty(flat.height, PIXEL)
    for name, column in (("x", "pixel_x"), ("y", "pixel_y"), ("weight", "weight")):
        pixels[name] = flat[column].to_numpy()
    data = VectorData(
        name="pixel_mask",
        description="x, y and weight of the pixels of a ROI",
        data=H5DataIO(pixels, compression="gzip", chunks=True),
    )
    ends = footprints["weight"].list.len().cum_sum().to_numpy()
    return [data, VectorIndex(name="pixel_mask_index", data=ends, target=data)]


def _values(series: pl.Series) -> Any:
    return series.to_list() if series.dtype == pl.String else series.to_numpy()
