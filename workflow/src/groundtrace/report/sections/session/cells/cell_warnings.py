"""Warnings about which ROIs were found and accepted."""

from collections.abc import Iterator

import polars as pl

from groundtrace.extraction.scene import FEW_BINS
from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning, median, share

STRONGEST, LOST = 20, 1 / 3
"""At least two thirds of so many of the most active ROIs should be accepted."""
SMALL, THIN = 0.55, 1.09
"""Area over that of a cell below which, and compactness above which, what fires is a dendrite or a bouton."""
FEWEST = 5
"""ROIs below which a share of them says nothing."""
SIZES = (0.4, 2.0)
"""Median area of the accepted ROIs over that of a cell, below and above which they are no cells of that size."""
ALMOST_NONE = 0.05
"""Share of accepted ROIs below which almost nothing was accepted."""
ALMOST_ALL, MANY = 0.97, 30
"""Share above which almost everything was, and the ROIs from which that is told."""
DECOYS = 0.2
"""Decoys accepted, as a share of the accepted ROIs."""
OTHER_SIZE = 1.5
"""Ratio between the cell diameter used and the one seen."""


def cell_warnings(inputs: SessionInputs) -> Iterator[Warning]:
    """Whether the right cells were picked, as far as their numbers tell."""
    active = inputs.rois.filter(pl.col("kind") != "visible")
    if "given" in inputs.extraction_quality.columns:
        yield from _given(inputs)
        return
    yield from _count(inputs, active.height)
    if inputs.cells.is_empty():
        return
    name = inputs.extraction
    if (active["kind"] == "process").any():
        yield Warning(
            "note",
            "The ROIs are dendrites or axons",
            "Ground truth of spikes exists for somata only: how accurate rates and intervals of processes are is not "
            "known, and the accuracy to expect is that of somata with such traces.",
            "Compare processes with each other, or use their dF/F.",
            kind="processes",
        )
        yield from _decoys(inputs, name)
        return
    yield from _strong(active, name)
    yield from _share(active, name)
    yield from _size(active, inputs, name)
    yield from _diameter(inputs, name)
    yield from _decoys(inputs, name)


def _given(inputs: SessionInputs) -> Iterator[Warning]:
    """What a person decided is not questioned; what was decided about it is told."""
    row = inputs.extraction_quality.row(0, named=True)
    for sentence in (row["notes"] or "").splitlines():
        found, _, advice = sentence.rpartition("; ")
        found, advice = (part[:1].upper() + part[1:] for part in (found, advice))
        yield Warning(
            "note",
            f"{row['given']}: {found}",
            "So it was decided when the given ROIs were read.",
            f"{advice}.",
            kind="given_rois",
        )


def _count(inputs: SessionInputs, rois: int) -> Iterator[Warning]:
    cells, name = inputs.cells.height, inputs.extraction
    if not cells and (bins := inputs.acquisition.frames // inputs.extraction_quality["bin_frames"][0]) < FEW_BINS:
        yield Warning(
            "critical",
            f"No cell in {bins} binned frames",
            "The recording is too short to tell activity from noise, whatever the size of its cells.",
            "Record longer, or join the files of a session: the sheet's path takes several.",
            kind="too_short",
        )
    elif not rois:
        yield Warning(
            "critical",
            "No ROI was found" if not inputs.rois.height else "No active ROI was found",
            "There is nothing to measure: the field has no active cell, or the detection does not suit it.",
            "Look at the mean images. If you see cells, set their diameter "
            f"({_keys(name)}) to what you see, and lower the detection threshold.",
            kind="no_roi",
        )
    elif not cells:
        yield Warning(
            "critical",
            f"None of {rois} ROIs is accepted as a cell",
            "All ROIs look like something else than active somata, so every summary is empty.",
            "Look at the ROI map: select a ROI that is a cell and read why it was not accepted. If its size is the "
            f"reason, set the cell diameter ({_keys(name)}); if all of them are just below the threshold, lower "
            f"{_key(name, 'min_probability')}.",
            kind="none_accepted",
        )
    elif cells < inputs.parameters.few_cells:
        yield Warning(
            "note",
            f"Only {cells} accepted cell{'s' if cells > 1 else ''}",
            "Medians over so few cells say little about the recording.",
            "Judge the cells one by one: select each in the map.",
            kind="few_cells",
        )


def _strong(active: pl.DataFrame, name: str) -> Iterator[Warning]:
    strongest = active.filter(pl.col("energy").is_finite()).sort("energy", descending=True).head(STRONGEST)
    rejected = strongest.filter(~pl.col("accepted"))
    if strongest.height < FEWEST or rejected.height <= LOST * strongest.height:
        return
    processes = rejected.filter((pl.col("relative_area") < SMALL) | (pl.col("compactness") > THIN))
    if rejected.height - processes.height <= LOST * strongest.height:
        yield Warning(
            "note",
            f"{processes.height} of the {strongest.height} most active ROIs are smaller or thinner than a cell",
            "They look like dendrites or boutons, so they are not accepted as cells.",
            f"Look at them in the map. If they are cells, set the cell diameter ({_keys(name)}) to what you see; to "
            "measure dendrites, add a recipe whose extraction has the backend processes.",
            kind="active_processes",
        )
        return
    reasons = rejected.filter(pl.col("reason") != "")["reason"].value_counts(sort=True, name="count")
    common = f" The most frequent reason: {reasons['reason'][0]}." if reasons.height else ""
    yield Warning(
        "critical" if rejected.height > 2 * LOST * strongest.height else "warning",
        f"{rejected.height} of the {strongest.height} most active ROIs are not accepted",
        "What fires most is rarely noise: they are cells that the judgement takes for something else, or processes "
        f"and whole regions that fire together.{common}",
        "Show the rejected ROIs in the map, select the strongest and read why. If they are cells, check the cell "
        f"diameter ({_keys(name)}), then lower {_key(name, 'min_probability')}.",
        kind="strongest_rejected",
    )


def _share(active: pl.DataFrame, name: str) -> Iterator[Warning]:
    rois, accepted = active.height, int(active["accepted"].sum())
    if rois >= FEWEST and accepted < ALMOST_NONE * rois:
        yield Warning(
            "critical",
            f"Almost nothing is accepted: {accepted} of {rois} ROIs",
            "Either the search found mostly noise or pieces of neuropil, or it looked for cells of another size than "
            "those in the field, so that none of them looks like a cell.",
            f"Compare the ROIs with the cells of the mean image and set the cell diameter ({_keys(name)}) to theirs. "
            f"If cells are rejected although their size is right, lower {_key(name, 'min_probability')}.",
            kind="few_accepted",
        )
    elif rois >= MANY and accepted > ALMOST_ALL * rois:
        yield Warning(
            "warning",
            f"Almost everything is accepted: {accepted} of {rois} ROIs",
            "A search finds some ROIs that are no cells in every recording; here hardly one was sorted out, so some "
            "of the cells are probably noise or neuropil.",
            f"Look at the accepted ROIs of the lowest cell probability. Raise {_key(name, 'min_probability')} if they "
            "are no cells.",
            kind="all_accepted",
        )


def _size(active: pl.DataFrame, inputs: SessionInputs, name: str) -> Iterator[Warning]:
    size, (small, large) = median(active.filter("accepted")["relative_area"]), SIZES
    if not (size < small or size > large):
        return
    diameter = inputs.extraction_quality["diameter"][0]
    word = "smaller" if size < small else "larger"
    pieces = "Cells may be cut to pieces" if size < small else "Several cells may be merged into one ROI"
    yield Warning(
        "warning",
        f"Accepted ROIs are much {word} than the cells looked for",
        f"Their median area is {number(size, 2)} times that of a disk of {number(diameter)} px. {pieces}, or the "
        "diameter is not that of the cells.",
        f"Compare outlines and cells in the map, and set the diameter ({_keys(name)}) to what you see there.",
        kind="roi_size",
    )


def _diameter(inputs: SessionInputs, name: str) -> Iterator[Warning]:
    used, seen = (inputs.extraction_quality[column][0] for column in ("diameter", "diameter_seen"))
    if not used or not seen or max(used / seen, seen / used) <= OTHER_SIZE:
        return
    yield Warning(
        "warning",
        f"The movie shows cells of about {number(seen, 2)} px, but cells of {number(used, 2)} px were looked for",
        "A search for cells of another size splits or merges them, and rejects them for their size.",
        "Measure a few cells in the map with its scale bar. If the movie is right, set the diameter "
        f"({_keys(name)}), or correct pixel_size in the sheet.",
        kind="cell_diameter",
    )


def _decoys(inputs: SessionInputs, name: str) -> Iterator[Warning]:
    row = inputs.extraction_quality.row(0, named=True)
    noise, accepted = row["decoys_accepted"], row["accepted"]
    if noise is None or noise <= DECOYS * accepted:
        return
    yield Warning(
        "critical" if noise > 0.5 * accepted else "warning",
        f"About {share(min(noise / max(accepted, 1), 1))} of the accepted cells may be noise",
        "The same search in the inverted movie, in which nothing fires, had "
        f"{noise} ROI{'' if noise == 1 else 's'} accepted, against {accepted} in the movie itself.",
        f"Raise {_key(name, 'min_probability')}, or sort the accepted ROIs by their cell probability and leave out "
        "the lowest. Light and motion are the usual causes: see the other warnings.",
        kind="decoys_accepted",
    )


def _key(name: str, key: str) -> str:
    """A parameter as it is written in the config."""
    return f"extract.{name}.{key}"


def _keys(name: str) -> str:
    return f"{_key(name, 'diameter_um')} or {_key(name, 'diameter_px')}"
