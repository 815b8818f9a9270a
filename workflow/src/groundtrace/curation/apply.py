"""What a person decided, on the ROIs of an extraction: the one that was looked at, or a later one."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy import sparse

from groundtrace.arrays import FloatArray
from groundtrace.curation.file import Decision, Outline
from groundtrace.curation.merging import joined_roi, joined_trace, with_rows
from groundtrace.curation.tables import Curation
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import outlines
from groundtrace.notices import notice
from groundtrace.tables import empty

SAME = 0.5
"""Intersection over union of two outlines from which they are of the same ROI."""
LISTED = 5
BY_HAND = "rejected by hand"
MERGED = "merged into ROI {}"


def curated(
    found: pl.DataFrame, fluorescence: pl.DataFrame, decisions: Sequence[Decision], name: str = "curation"
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Tables Rois and Fluorescence as a person decided, and Curation: which decision holds for which ROI.

    found: the table Rois as extraction leaves it. name: of the file of the decisions, for errors. ROIs that were joined
    follow the others under new numbers; their parts stay, not accepted. A decision about a ROI that is no more is said.
    """
    positions, iou = matched(decisions, found, name)
    holding = {at: one for at, one in zip(positions, decisions, strict=True) if at is not None}
    groups = _groups(holding)
    rois = _decided(found, holding)
    numbers = range(found.height, found.height + len(groups))
    joined = [joined_roi(found, fluorescence, members, number) for number, members in zip(numbers, groups, strict=True)]
    rows = [
        row | _verdict(members, holding) | {"merged": [found["roi"][at] for at in members]}
        for row, members in zip(joined, groups, strict=True)
    ]
    traces = [
        joined_trace(fluorescence, found, members) | {"roi": number}
        for number, members in zip(numbers, groups, strict=True)
    ]
    for number, members in zip(numbers, groups, strict=True):
        rois = _as_parts(rois, members, number)
    _tell(decisions, positions, groups)
    return with_rows(rois, rows), with_rows(fluorescence, traces), _table(decisions, positions, iou, found)


def matched(
    decisions: Sequence[Decision], found: pl.DataFrame, name: str = "curation"
) -> tuple[list[int | None], list[float | None]]:
    """For each decision the position of its ROI, None where there is none, and the IoU of both outlines.

    A decision without an outline is about the ROI of its number; raises InputError where there is no such ROI.
    """
    positions: list[int | None] = [None] * len(decisions)
    likeness: list[float | None] = [None] * len(decisions)
    absent = [one for one in decisions if one.outline is None and (one.roi is None or one.roi >= found.height)]
    if absent:
        raise InputError(
            f"{name}: line {absent[0].row}: roi: there is no ROI {absent[0].roi}, the extraction has {found.height}, "
            "numbered from 0, and the line has no footprint to know it by; correct the number, or delete the line"
        )
    taken: set[int] = set()
    for at, one in enumerate(decisions):
        if one.outline is None:
            positions[at] = one.roi
            taken.add(one.roi or 0)
    drawn = {at: one.outline for at, one in enumerate(decisions) if one.outline is not None}
    iou, places = overlap(list(drawn.values()), outlines(found)).tocoo(), list(drawn)
    # The most alike first; of equal ones that of the same number.
    pairs = [(places[k], int(roi), float(value)) for k, roi, value in zip(*iou.coords, iou.data, strict=True)]
    pairs.sort(key=lambda pair: (-pair[2], decisions[pair[0]].roi != pair[1], pair))
    for at, roi, value in pairs:
        if value >= SAME and positions[at] is None and roi not in taken:
            positions[at], likeness[at] = roi, value
            taken.add(roi)
    return positions, likeness


def overlap(first: Sequence[Outline], second: Sequence[Outline]) -> sparse.csr_array:
    """(n, m) intersection over union of outlines."""
    width = 1 + max((int(x.max()) for _, x in [*first, *second] if len(x)), default=0)
    height = 1 + max((int(y.max()) for y, _ in [*first, *second] if len(y)), default=0)
    one, other = (_pixels(some, height, width) for some in (first, second))
    shared = sparse.coo_array(one @ other.T)
    sizes = [np.asarray(some.sum(axis=1)).ravel() for some in (one, other)]
    rows, columns = shared.coords
    either = sizes[0][rows] + sizes[1][columns] - shared.data
    return sparse.csr_array((shared.data / either, (rows, columns)), shape=shared.shape)


def _pixels(some: Sequence[Outline], height: int, width: int) -> sparse.csr_array:
    """(n_rois, pixels)"""
    places = [np.unique(y.astype(np.int64) * width + x) for y, x in some]
    ends = np.cumsum([0, *map(len, places)])
    flat = np.concatenate(places) if places else np.zeros(0, np.int64)
    return sparse.csr_array((np.ones(len(flat)), flat, ends), shape=(len(places), height * width))


def _groups(holding: Mapping[int, Decision]) -> list[list[int]]:
    """Positions of the parts of each joined ROI; what is left of one when its other parts are gone is none."""
    names: dict[str, list[int]] = {}
    for at, one in holding.items():
        if one.merge:
            names.setdefault(one.merge, []).append(at)
    return sorted(sorted(members) for members in names.values() if len(members) > 1)


def _decided(found: pl.DataFrame, holding: Mapping[int, Decision]) -> pl.DataFrame:
    """Table Rois with the person's verdicts beside the automatic ones."""
    verdict, reason = found["accepted"].to_list(), found["reason"].to_list()
    note = [""] * found.height
    for at, one in holding.items():
        verdict[at], note[at] = one.accepted, one.note
        reason[at] = "" if one.accepted else one.reason or BY_HAND
    columns = {
        "accepted": pl.Series(verdict, dtype=pl.Boolean),
        "reason": pl.Series(reason, dtype=pl.String),
        "accepted_automatically": found["accepted"],
        "curated": pl.Series([at in holding for at in range(found.height)], dtype=pl.Boolean),
        "note": pl.Series(note, dtype=pl.String),
        "merged": pl.Series([[]] * found.height, dtype=pl.List(pl.Int32)),
    }
    order = found.columns.index("reason") + 1
    names = [*found.columns[:order], *list(columns)[2:], *found.columns[order:]]
    return found.with_columns(**columns).select(names)


def _verdict(members: Sequence[int], holding: Mapping[int, Decision]) -> dict[str, object]:
    """What was decided about a joined ROI: its parts agree."""
    parts = [holding[at] for at in members]
    accepted = parts[0].accepted
    words = {
        name: "; ".join(dict.fromkeys(filter(None, (getattr(one, name) for one in parts))))
        for name in ("reason", "note")
    }
    reason = "" if accepted else words["reason"] or BY_HAND
    # Automatically there was no such ROI.
    return {
        "accepted": accepted,
        "reason": reason,
        "note": words["note"],
        "accepted_automatically": False,
        "curated": True,
    }


def _as_parts(rois: pl.DataFrame, members: Sequence[int], number: int) -> pl.DataFrame:
    part = pl.int_range(pl.len()).is_in(list(members))
    return rois.with_columns(
        accepted=pl.when(part).then(False).otherwise("accepted"),
        reason=pl.when(part).then(pl.lit(MERGED.format(number))).otherwise("reason"),
    )


def _tell(decisions: Sequence[Decision], positions: Sequence[int | None], groups: Sequence[Sequence[int]]) -> None:
    lost = [one for one, at in zip(decisions, positions, strict=True) if at is None]
    if lost:
        places = ", ".join(_place(one) for one in lost[:LISTED]) + (", …" if len(lost) > LISTED else "")
        notice(
            "curation_unmatched",
            f"{len(lost)} of {len(decisions)} ROIs that a person decided on are no more: no ROI of this extraction has "
            f"half of its pixels in common with {places}; look there on the page, where they are listed, and save the "
            "curation again",
        )
    named = {one.merge for one in decisions if one.merge}
    if len(named) > len(groups):
        notice(
            "curation_merge_lost",
            f"{len(named) - len(groups)} of {len(named)} merges have only one of their parts in this extraction; look "
            "whether it is the whole cell now, and save the curation again",
        )


def _place(one: Decision) -> str:
    name = "one without a number" if one.roi is None else f"ROI {one.roi}"
    assert one.outline is not None
    y, x = (values.mean() for values in one.outline)
    return f"{name} (y {y:.0f}, x {x:.0f})"


def _table(
    decisions: Sequence[Decision],
    positions: Sequence[int | None],
    iou: Sequence[float | None],
    found: pl.DataFrame,
) -> pl.DataFrame:
    """Table Curation."""
    nothing: FloatArray = np.zeros(0, int)
    rows = [
        {
            "row": one.row,
            "roi": None if at is None else found["roi"][at],
            "iou": value,
            "accepted": one.accepted,
            "reason": one.reason,
            "note": one.note,
            "merge": one.merge,
            "pixel_y": (one.outline or (nothing, nothing))[0].tolist(),
            "pixel_x": (one.outline or (nothing, nothing))[1].tolist(),
        }
        for one, at, value in zip(decisions, positions, iou, strict=True)
    ]
    return pl.DataFrame(rows, schema=empty(Curation).schema)
