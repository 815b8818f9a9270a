"""Fields of which a session failed: the others are tracked all the same, when the run is over."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundtrace.errors import GroundtraceError
from groundtrace.notices import noting
from groundtrace.running import claim, internals, layout, status
from groundtrace.running.inputs import Inputs
from groundtrace.running.job import INTERRUPTED
from groundtrace.running.of_job import Wildcards
from groundtrace.running.plan import Plan

UNFINISHED = (INTERRUPTED, claim.STOPPED, status.STOPPED)
"""What a step says that did not fail, and is to be run again."""
ENVIRONMENT = "core"
"""Methods of this environment run in the process of Snakemake too."""
FEWEST = 2
"""Sessions that are tracked."""
OF_SESSION = ("acquisition", "rois", "extraction_images", "extraction_quality")
OF_PAGE = ("acquisition", "rois", "traces", "spikes")


def track_the_others(plan: Plan, workflow: internals.Workflow) -> list[str]:
    """Track the fields of which sessions failed in this run without these. Returns a line for each.

    Snakemake starts no job of which an input failed. What is made here is marked as incomplete: its rules run as soon
    as they can.
    """
    lines, made = [], set()
    for where in internals.wildcards_of(workflow, "tracks"):
        failed = failed_sessions(plan, where)
        if not failed:
            continue
        folder = Path(plan.at(layout.TRACKED).format(**dict(where.items())))
        who = ", ".join(failed)
        try:
            left = _track(plan, where, folder, failed)
        except (GroundtraceError, OSError) as error:
            left = str(error)
        lines.append(f"{folder}: {f'not tracked, since {who} failed; {left}' if left else f'tracked without {who}'}")
        if not left:
            made.add(folder.as_posix())
    internals.mark_incomplete(
        workflow, lambda job: not made.isdisjoint(Path(file).parent.as_posix() for file in job.output)
    )
    return lines


def failed_sessions(plan: Plan, where: Wildcards) -> dict[str, str]:
    """Sessions of a field whose ROIs failed, with stage and reason; none where one is still to be made."""
    entries = {
        entry.session: entry
        for entry in plan.study.rows
        if (str(entry.plane), entry.recipe) == (where.plane, where.recipe)
    }
    failed, marked = {}, status.under_way()
    for key in _keys(plan, where):
        state, reason = _state(entries[key], marked)
        if state == "failed":
            failed[key] = reason
        elif state != "done":
            return {}
    return failed


def _keys(plan: Plan, where: Wildcards) -> list[str]:
    return plan.fields[where.subject, where.field, int(where.plane)]


def _state(entry: layout.Entry, marked: frozenset[str]) -> tuple[str, str]:
    """Of the ROIs of a session: `done`, `failed` or `to do`; and stage and reason of a failure."""
    for step in entry.steps:
        found = status.state_of(step, True, False, marked)
        if found.name == "failed" and found.reason not in UNFINISHED:
            return "failed", f"{step.stage}: {found.reason}"
        if found.name != "done":
            return "to do", ""
        if step.stage == "dff":
            break
    return "done", ""


def _track(plan: Plan, where: Wildcards, folder: Path, failed: dict[str, str]) -> str:
    """Write tables and page of a field. Returns why it was not done."""
    from groundtrace.io import write_text
    from groundtrace.provenance import provenance
    from groundtrace.report.tracks import render_tracks
    from groundtrace.tracking.files import read_session, write_field
    from groundtrace.tracking.steps import Failed, track

    method = plan.config.track[where.track]
    if method.environment != ENVIRONMENT:
        return f"{where.track} runs in the environment {method.environment} only"
    files = list(_files(plan, where, OF_SESSION))
    if len(files) - len(failed) < FEWEST:
        return "one session alone is left"
    with warnings.catch_warnings(), noting() as notices:
        warnings.simplefilter("ignore")
        sessions = [Failed(key, failed[key]) if key in failed else read_session(*own) for key, *own in files]
        found = track(sessions, method)
    sources = [rois for key, _, rois, *_ in files if key not in failed]
    made_by = provenance("tracks", method.model_dump(mode="json"), method.packages, sources, notices)
    folder.mkdir(parents=True, exist_ok=True)
    names = {name: folder / f"{name}.parquet" for name in ("tracks", "pairs", "alignment")}
    write_field(found, names | {"images": folder / "images.npz"}, made_by)
    write_text(folder / "tracks.html", render_tracks(_page(plan, where, found)))
    return ""


def _page(plan: Plan, where: Wildcards, found: Any) -> Any:
    """What the page of a field shows: of a session whose spikes failed, too, no traces."""
    from groundtrace.report.tracks import Day, TracksInputs

    files = [own for _, *own in _files(plan, where, OF_PAGE)]
    return TracksInputs(
        subject=where.subject,
        field=where.field,
        plane=int(where.plane),
        recipe=where.recipe,
        method=where.track,
        tracks=found.tracks,
        alignment=found.alignment,
        images=found.images,
        days=[Day.read(*own) if all(Path(path).exists() for path in own) else Day.failed() for own in files],
    )


def _files(plan: Plan, where: Wildcards, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Key of each session of a field, and its files of these names."""
    found = Inputs(plan).field_files(where, names)
    return zip(_keys(plan, where), *(found[name] for name in names), strict=True)
