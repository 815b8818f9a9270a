"""Verdicts that Suite2p keeps in `iscell.npy`, as decisions about the ROIs of this study."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from groundtrace.arrays import BoolArray
from groundtrace.curation.apply import matched
from groundtrace.curation.file import Decision, Outline
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import outlines

REASON = "rejected in Suite2p"


def edited(rois: pl.DataFrame, verdict: BoolArray, held: Sequence[Decision], name: str) -> list[Decision]:
    """Decisions that were taken in the GUI on an exported folder: where its verdict differs from that of rois.

    rois: the table Rois, as it was exported. verdict: (n_rois,) of the folder. held: decisions so far; what is joined
    there stays joined. name: of the folder, for errors.
    """
    if len(verdict) != rois.height:
        raise InputError(
            f"{name}: iscell.npy has {len(verdict)} ROIs, the results {rois.height}: it was exported of others, or "
            "ROIs were merged there; export it again (`snakemake -- suite2p`), and merge on the session's page"
        )
    parts = {part for parts in rois["merged"] for part in parts}
    drawn, earlier = outlines(rois), {one.roi: one for one in held}
    found = []
    for at in np.flatnonzero(verdict != rois["accepted"].to_numpy()):
        roi, accepted = int(rois["roi"][int(at)]), bool(verdict[at])
        if roi in parts:
            continue
        for member in rois["merged"][int(at)].to_list() or [roi]:
            blank = Decision(0, member, accepted, outline=drawn[member])
            found.append(replace(earlier.get(member, blank), accepted=accepted, reason="" if accepted else REASON))
    return found


def foreign(
    found: pl.DataFrame, footprints: Sequence[Outline], verdict: BoolArray, held: Sequence[Decision]
) -> tuple[list[Decision], int]:
    """Decisions of another program about its own ROIs, on those of an extraction: and how many of its cells have none.

    found: the table Rois as extraction left it. footprints: pixels of the other program's ROIs. Of these, what it
    accepts and nobody finds here stays in the file, and is said in every run; what it rejects is left out.
    """
    theirs = [
        Decision(0, None, bool(yes), "" if yes else REASON, outline=outline)
        for outline, yes in zip(footprints, verdict, strict=True)
    ]
    positions, _ = matched(theirs, found)
    drawn, earlier = outlines(found), {one.roi: one for one in held}
    decisions, lost = [], 0
    for one, at in zip(theirs, positions, strict=True):
        if at is not None:
            blank = Decision(0, at, one.accepted, outline=drawn[at])
            decisions.append(replace(earlier.get(at, blank), accepted=one.accepted, reason=one.reason))
        elif one.accepted:
            decisions.append(one)
            lost += 1
    return decisions, lost


def joined(held: Sequence[Decision], new: Sequence[Decision]) -> list[Decision]:
    """Decisions with newer ones in place of those about the same ROIs; parts of one cell agree."""
    decided = {one.roi for one in new if one.roi is not None}
    outlines_known = {_mark(one) for one in new if one.roi is None}
    kept = [one for one in held if one.roi not in decided and not (one.roi is None and _mark(one) in outlines_known)]
    verdicts = {one.merge: one for one in new if one.merge}
    return [
        replace(one, accepted=verdicts[one.merge].accepted, reason=verdicts[one.merge].reason)
        if one.merge in verdicts
        else one
        for one in [*kept, *new]
    ]


def _mark(one: Decision) -> bytes:
    assert one.outline is not None
    return b"".join(np.asarray(values, np.int64).tobytes() for values in one.outline)
