"""The header of the page of a session that starts from sorted spikes."""

from typing import Any

from groundtrace.report.html import number
from groundtrace.report.sections.session.header.content import clock
from groundtrace.report.units import UnitsInputs


def context(inputs: UnitsInputs) -> dict[str, Any]:
    units, acquisition = inputs.spikes, inputs.acquisition
    areas = units["area"].drop_nulls().unique().sort().to_list()
    facts = {
        "units": number(units.height, 9),
        "area": ", ".join(areas[:6]) + (f" and {len(areas) - 6} more" if len(areas) > 6 else ""),
        "duration": clock(acquisition.frames / acquisition.frame_rate),
        "spikes": number(int(units["spike_times"].list.len().sum()), 9),
        "file": acquisition.sources[0].name,
    }
    known = [(name, value) for name, value in facts.items() if value]
    return {"acquisition": acquisition, "facts": known, "recipe": inputs.recipe, "study": inputs.study}


def data(inputs: UnitsInputs) -> dict[str, Any]:
    return {"rois": {"roi": inputs.spikes["roi"].to_list()}}
