"""Cells and their activity: the map, the trace browser, the selected ROI."""

from collections.abc import Iterator
from typing import Any

from groundtrace.report.footprints import pack_footprints
from groundtrace.report.html import to_json
from groundtrace.report.pictures import backgrounds, roi_clips
from groundtrace.report.sections.session.cells.cell_warnings import cell_warnings
from groundtrace.report.sections.session.cells.rois import search_facts, statistics, trace_meanings
from groundtrace.report.sections.session.cells.traces import full_resolution, has_interval, overview, pack_light
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning

ONE_PHOTON = "peak_to_noise"
"""The picture by which cells of one-photon movies are looked for; in others the activity tells more."""
CLIP_SHARE = 0.5
"""Share of the room that is left, for clips of ROIs; full traces take the rest."""


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {
        "rois": inputs.rois.height,
        "rate_unit": inputs.rate_unit,
        "search": search_facts(inputs),
        "shown": shown(inputs),
        "interval": has_interval(inputs.spikes),
        "known": not inputs.expected.is_empty(),
        "axial": bool(inputs.traces["axial_share"].is_finite().any()),
    }


def data(inputs: SessionInputs) -> dict[str, Any]:
    images, frame_rate = inputs.extraction_images, inputs.acquisition.frame_rate
    if inputs.acquisition.preparation != "one_photon":
        images = {name: image for name, image in images.items() if name != ONE_PHOTON}
    return {
        "backgrounds": backgrounds(images) or backgrounds({"mean": inputs.motion_images["mean"]}),
        "statistics": statistics(inputs.rois),
        "meanings": trace_meanings(),
        "diameter": inputs.extraction_quality["diameter"][0],
        "light": pack_light(inputs.light),
        "footprints": pack_footprints(inputs.outlines, inputs.acquisition.width),
        "overview": overview(inputs.traces, inputs.spikes, frame_rate, inputs.parameters.trace_points),
    }


def fill(inputs: SessionInputs, room: int) -> dict[str, Any]:
    """Clips, and traces at full resolution."""
    clips = roi_clips(inputs.extraction_images, inputs.rois["roi"].to_numpy(), int(CLIP_SHARE * room))
    room = min(inputs.parameters.trace_bytes, room - len(to_json(clips)))
    return {"clips": clips, "full": full_resolution(inputs.traces, inputs.spikes, inputs.acquisition.frame_rate, room)}


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    return cell_warnings(inputs)


def shown(inputs: SessionInputs) -> list[tuple[str, str]]:
    """Groups of ROIs that the map can show: (value, label)."""
    silent = (inputs.rois["kind"] == "visible").any()
    groups = [("accepted", "accepted"), ("rejected", "rejected"), ("silent", "visible, silent"), ("all", "all ROIs")]
    return [group for group in groups if silent or group[0] != "silent"]
