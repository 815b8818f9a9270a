"""Traces of all days of each cell, as many cells as fit, and how active it was."""

from typing import Any

import numpy as np

from groundtrace.report.html import envelope, pack, quantise, to_json
from groundtrace.report.tracks import TracksInputs

BINS = 160
"""Stretches of a session's trace of which the smallest and largest value are shown."""
STEPS = 250
"""A track's traces are stored in steps of this part of their range."""


def data(given: TracksInputs) -> dict[str, Any]:
    rates: list[list[float | None]] = []
    by_roi = [dict(zip(day.spikes["roi"], day.spikes["mean_rate"], strict=True)) for day in given.days]
    rois = members(given)
    for track in given.order:
        row: list[float | None] = [None] * len(given.sessions)
        for day, roi in rois[track].items():
            rate = by_roi[day].get(roi)
            row[day] = None if rate is None else float(f"{rate:.3g}")
        rates.append(row)
    duration: list[float] = [
        int(day.traces["dff"].list.len().to_numpy().max(initial=0)) / day.frame_rate for day in given.days
    ]
    return {"rates": rates, "durations": duration}


def fill(given: TracksInputs, room: int) -> dict[str, Any]:
    """Traces of the tracks in their order, until the room is used."""
    row_of = [{roi: k for k, roi in enumerate(day.traces["roi"])} for day in given.days]
    rois, found = members(given), []
    for track in given.order:
        drawn = {
            day: envelope(given.days[day].traces["dff"][row_of[day][roi]].to_numpy(), BINS)
            for day, roi in rois[track].items()
            if roi in row_of[day]
        }
        every = np.concatenate([values for values in drawn.values()] or [np.zeros(1)])
        step = max(float(np.nanmax(every) - np.nanmin(every)) / STEPS if np.isfinite(every).any() else 0.0, 1e-6)
        entry = {"step": step, "days": {day: pack(quantise(values, step)) for day, values in drawn.items()}}
        room -= len(to_json(entry)) + 2
        if room < 0:
            break
        found.append(entry)
    return {"traces": found}


def members(given: TracksInputs) -> dict[int, dict[int, int]]:
    """ROI of each track by the position of the session."""
    found: dict[int, dict[int, int]] = {track: {} for track in given.order}
    for track, day, roi in given.rois.select("track", "day", "roi").iter_rows():
        found[track][day] = roi
    return found
