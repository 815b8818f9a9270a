"""Frames that the sheet excludes, checked against the recordings before any job starts."""

import warnings
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.io import read_table
from groundtrace.movies.excluded import read_excluded
from groundtrace.running import layout
from groundtrace.running.plan import Plan
from groundtrace.sessions import Session
from groundtrace.sheet import Sheet


def check_excluded(plan: Plan, sheet: Sheet) -> None:
    """Raise one InputError for all rows whose file in the column `exclude` does not fit the recording."""
    faults = []
    for key, session in plan.sessions.items():
        time = times_of_frames(plan, session) if session.exclude and key not in plan.missing else None
        try:
            if time is not None:
                read_excluded(session.exclude or "").mask(time)
        except InputError as error:
            faults.append(f"{sheet.rows[key]}: exclude: {error}")
    sheet.refuse(faults)


def times_of_frames(plan: Plan, session: Session) -> FloatArray | None:
    """Times of frames as ingest found them, or will; None for raw data that it will refuse,
    and for results of another pipeline that have not been adopted yet."""
    known = Path(plan.at(f"{layout.PLANE}/frames.parquet").format(session=session.key, plane=0))
    if known.exists():
        return read_table(known, ["time"])["time"].to_numpy()
    if session.simulate is not None:
        assert session.frame_rate is not None, session.key
        return np.arange(plan.simulation(session.key).frames) / session.frame_rate
    if session.adopted:
        return _of_units(session) if session.from_units else None
    from groundtrace.movies.ingest import frame_times

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return frame_times(session, session.files())
        except InputError:
            return None


def _of_units(session: Session) -> FloatArray | None:
    from groundtrace.adopted.nwb_units import clock

    try:
        return clock(session.files()[0])
    except InputError:
        return None
