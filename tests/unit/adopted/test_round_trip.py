"""A session that starts from what was exported has the same dF/F and spike rates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import groundtrace
from groundtrace.acquisition import Acquisition
from groundtrace.adopted.adopt import adopt
from groundtrace.export.nwb import write_nwb
from groundtrace.export.suite2p import FILES, suite2p_plane, write_suite2p
from groundtrace.results import SessionResults
from groundtrace.sessions import Session
from groundtrace.spikes.oasis import Oasis
from groundtrace.spikes.steps import infer_spikes
from groundtrace.tables import list_column, stack
from groundtrace.traces.dff import BaselineParameters, DffParameters, NeuropilParameters
from groundtrace.traces.steps import compute_traces
from tests.study import example_entry, example_plane, write_example_study
from tests.unit.export.complete import complete_metadata

ROIS, FRAMES, RATE, OFFSET = 6, 3600, 29.97, 112.375
BAD, DARK = slice(400, 410), slice(700, 730)
BORDER, PAUSE = 1500, 2600
"""Frames from which another file is, brighter than the one before, and before which 0.6 s are missing."""
SETTINGS = {
    "fitted": DffParameters(),
    "fixed": DffParameters(neuropil=NeuropilParameters(method="fixed", coefficient=0.6)),
    "maximin, offset kept": DffParameters(baseline=BaselineParameters(method="maximin"), subtract_offset=False),
}


def made(settings: DffParameters, given: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tables Traces and Spikes of what a plane's folder holds."""
    acquisition: Acquisition = given["acquisition"]
    bad, segment = given["shifts"]["bad"].to_numpy(), given["frames"]["segment"].to_numpy()
    dark = np.zeros(acquisition.shape[1:], np.float32)
    traces, _ = compute_traces(given["fluorescence"], given["rois"], acquisition, dark, bad, settings, segment=segment)
    return traces, infer_spikes(traces, acquisition, Oasis(), frames=given["frames"].select("time", "segment"))


def recorded(plane: int) -> dict[str, Any]:
    """Light over a detector's offset, with frames that are bad or dark, a brighter file and a pause."""
    random = np.random.default_rng(plane)
    spikes = random.random((ROIS, FRAMES)) < 0.01
    decay = np.exp(-np.arange(60) / 20)
    active = np.array([np.convolve(row, decay)[:FRAMES] for row in spikes])
    neuropil = 60 + 4 * np.cumsum(random.normal(0, 0.1, (1, FRAMES)), axis=1) + np.zeros((ROIS, 1))
    light = 150 * (1 + 0.4 * active) + 0.7 * neuropil
    for values in (light, neuropil):
        values[:, BORDER:] *= 1.4
        values[:, DARK] = 0
    light, neuropil = (OFFSET + values + random.normal(0, 4, values.shape) for values in (light, neuropil))
    light[:, BAD] += 900
    session = example_plane(plane, rois=ROIS, frames=FRAMES, offset=OFFSET, frame_rate=RATE)
    frame = np.arange(FRAMES)
    lost = np.isin(frame, frame[BAD])
    return {
        "session": session,
        "acquisition": session.acquisition,
        "rois": session.rois,
        "fluorescence": pl.DataFrame(
            {
                "roi": session.rois["roi"],
                "fluorescence": list_column(light.astype(np.float32)),
                "neuropil": list_column(neuropil.astype(np.float32)),
            }
        ),
        "shifts": session.shifts.with_columns(
            bad=pl.Series(lost), reason=pl.Series(np.where(lost, "excluded", "").tolist())
        ),
        "frames": session.frames.with_columns(
            time=pl.Series(frame / RATE + 0.6 * (frame >= PAUSE)),
            segment=pl.Series((frame >= BORDER).astype(np.int32) + (frame >= PAUSE)),
        ),
    }


def results(folder: Path, settings: DffParameters) -> list[SessionResults]:
    """Two planes as the workflow leaves them."""
    rows = []
    for plane in (0, 1):
        given = recorded(plane)
        traces, spikes = made(settings, given)
        session = replace(
            given["session"], frames=given["frames"], shifts=given["shifts"], traces=traces, spikes=spikes
        )
        rows.append((example_entry(folder, session), session))
    write_example_study(folder, rows)
    return list(groundtrace.open_study(folder))


def suite2p_folders(folder: Path, planes: list[SessionResults]) -> list[Path]:
    for plane in planes:
        where = folder / f"plane{plane.plane}"
        write_suite2p(suite2p_plane(plane), {name: where / f"{name}.npy" for name in FILES})
    return [folder / f"plane{plane.plane}" for plane in planes]


def nwb_file(folder: Path, planes: list[SessionResults]) -> list[Path]:
    write_nwb(folder / "a.nwb", planes, complete_metadata())
    return [folder / "a.nwb"]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    ("format", "export", "tolerance"),
    [("suite2p_rois", suite2p_folders, 0), ("nwb_rois", nwb_file, 1e-4)],  # a rate in NWB is of single precision
)
def test_there_and_back_changes_nothing(format, export, tolerance, name, tmp_path):
    settings = SETTINGS[name]
    planes = results(tmp_path / "results", settings)
    files = export(tmp_path, planes)
    values = {"subject": "M01", "session": "002", "path": "given to adopt", "format": format, "planes": 2}
    session = Session.model_validate(values | {"indicator": planes[0].acquisition.indicator})
    for plane in planes:
        taken = adopt(session, files, plane.plane)
        acquisition = taken.acquisition.model_copy(update={"indicator": session.indicator})
        found, rates = made(settings, {**vars(taken), "acquisition": acquisition})
        dff, before = stack(found["dff"]), plane.traces("dff").values
        assert np.isnan(before[:, BAD]).all()
        # With their offset, they are dim at most.
        assert np.isnan(before[:, DARK]).all() or not settings.subtract_offset
        assert found["accepted"].to_list() == plane.traces("dff").accepted.values.tolist()
        np.testing.assert_allclose(dff, before, rtol=0, atol=tolerance)
        np.testing.assert_allclose(stack(rates["rate"]), plane.spikes().values, rtol=0, atol=tolerance)
        np.testing.assert_allclose(rates["mean_rate"], plane.numbers()["mean_rate"], rtol=0, atol=tolerance)
