"""Stimuli that the sheet names, checked against the recordings before any job starts."""

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.responses.conditions import with_conditions
from groundtrace.responses.images import check_known
from groundtrace.responses.presentations import read_stimuli
from groundtrace.running.excluded import times_of_frames
from groundtrace.running.plan import Plan
from groundtrace.sessions import Session
from groundtrace.sheet import Sheet
from groundtrace.simulation.stimulus import check_fits


def check_stimuli(plan: Plan, sheet: Sheet) -> None:
    """Raise one InputError for all rows whose stimuli or images cannot be used, or do not fit the recording."""
    faults = []
    for key, session in plan.sessions.items():
        if session.stimuli is None:
            continue
        try:
            if plan.makes_stimuli(session):
                _check_simulated(plan, session, sheet.sessions[key])
            else:
                _check(plan, session, session.stimuli)
        except InputError as error:
            faults.append(f"{sheet.rows[key]}: {error}")
    sheet.refuse(faults)


def _check_simulated(plan: Plan, session: Session, row: Session) -> None:
    if row.stimuli:
        raise InputError(
            f"stimuli: {row.stimuli!r}: the simulation {row.simulate!r} shows a stimulus of its own; empty the columns "
            f"stimuli and stimulus_images, or take `stimulus` out of simulation.{row.simulate} (config)"
        )
    assert session.frame_rate is not None, session.key
    check_fits(plan.simulation(session.key), session.frame_rate)


def _check(plan: Plan, session: Session, file: str) -> None:
    try:
        stimuli = read_stimuli(file)
        time, rate = _clock(plan, session)
        if time is not None:
            shown = stimuli.timed(time, rate)
            with_conditions(shown, plan.config.responses.conditions, file)
    except InputError as error:
        raise InputError(f"stimuli: {error}") from None
    if session.stimulus_images:
        try:
            check_known(stimuli.table["image"].drop_nulls(), session.stimulus_images)
        except InputError as error:
            raise InputError(f"stimulus_images: {error}") from None


def _clock(plan: Plan, session: Session) -> tuple[FloatArray | None, float]:
    """Times of frames, and frames per second; None where they are not known before the first job."""
    time = None if session.key in plan.missing else times_of_frames(plan, session)
    if time is None or len(time) < 2:
        return None, 1.0
    return time, session.frame_rate or float(1 / np.median(np.diff(time)))
