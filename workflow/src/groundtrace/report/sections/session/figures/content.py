"""The key figures of a session."""

from typing import Any

from groundtrace.report.figure import Figure
from groundtrace.report.html import number
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import median, share


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {"figures": figures(inputs)}


def figures(inputs: SessionInputs) -> list[Figure]:
    cells, spikes = inputs.cells, inputs.cell_spikes
    raw, motion = (table.row(0, named=True) for table in (inputs.raw_quality, inputs.motion_quality))
    bad, frames = motion["bad_frames"], inputs.acquisition.frames
    noise, snr, rate = median(cells["noise_level"]), median(cells["snr"]), median(spikes["mean_rate"])
    found = [
        Figure("cells", number(cells.height, 9), "", rois_found(inputs)),
        Figure(
            "noise level ν", number(noise, 2), "%/√Hz", "median of the cells; 1 is excellent, above 8 only bursts show"
        ),
        Figure("signal to noise", number(snr, 2), "", "median: large transients over the noise of dF/F"),
        Figure("spike rate", number(rate, 2), inputs.rate_unit, "median of the cells' mean inferred rates"),
        Figure("photons", number(raw["photons"], 2), "", "per pixel and frame, mean over the field"),
        Figure(
            "residual motion",
            number(motion["residual_motion"], 2),
            "px",
            "left after registration, RMS; estimated from two halves of the pixels",
        ),
        Figure(
            "bad frames",
            number(bad, 9),
            "",
            f"{share(bad / frames)}: dark, dropped, flashed, excluded, lost, jumped or decorrelated",
        ),
    ]
    if not inputs.expected.is_empty():
        low, high = (median(spikes[f"expected_correlation_{end}"]) for end in ("low", "high"))
        meaning = f"median expected with true spikes; 90 % interval {number(low, 2)} to {number(high, 2)}"
        found.insert(3, Figure("correlation", number(median(inputs.expected), 2), "", meaning))
    return found


def rois_found(inputs: SessionInputs) -> str:
    if "given" in inputs.extraction_quality.columns:
        verdict = "all accepted" if inputs.rois["accepted"].all() else f"accepted of {number(inputs.rois.height, 9)}"
        return f"given in {inputs.extraction_quality['given'][0]}, {verdict}"
    silent = int((inputs.rois["kind"] == "visible").sum())
    found = f"accepted of {number(inputs.rois.height - silent, 9)} ROIs found"
    return f"{found}; {number(silent, 9)} more cells are seen that never fire" if silent else found
