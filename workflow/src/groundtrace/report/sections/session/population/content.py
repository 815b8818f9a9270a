"""The population raster."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from groundtrace.report.html import number
from groundtrace.report.sections.session.population.raster import make_raster
from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import MANY, MOST, Warning


def data(inputs: SessionInputs) -> dict[str, Any]:
    chosen = np.flatnonzero(inputs.traces["accepted"].to_numpy())
    raster = make_raster(inputs.spikes["rate"], chosen if chosen.size else np.arange(inputs.traces.height))
    return {
        "raster": raster
        and {
            "image": raster.image,
            "order": raster.order,
            "rows": raster.rows,
            "columns": raster.columns,
            "binSeconds": raster.bin_frames / inputs.acquisition.frame_rate,
            "method": raster.method,
        }
    }


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    mean, most = inputs.cell_spikes["mean_rate"].drop_nulls().drop_nans(), inputs.parameters.rate_warning
    fast = int((mean > most).sum())
    if fast:
        yield Warning(
            "warning" if fast > MANY * len(mean) else "note",
            f"{fast} of {len(mean)} cells fire at an implausible mean rate above {number(most)} Hz",
            "Few neurons fire so fast all the time. More likely the baseline lies too low, movement looks like "
            "activity, or the transients are larger than those the method assumes.",
            "Look at these cells' dF/F: between transients it should return to zero. Check the indicator in the sheet.",
            kind="implausible_rates",
        )
    silent = int(inputs.cell_spikes["silent"].sum())
    if silent > MOST * max(len(mean), 1):
        yield Warning(
            "warning",
            f"{silent} of {len(mean)} cells may have no spikes",
            "Noise alone would give such a mean rate: they are silent, their transients are below the noise, or they "
            "are no cells.",
            "Compare dF/F and rate in the trace browser. If you see transients, check frame rate and indicator in the "
            "sheet, or lower the threshold of the spike inference.",
            kind="silent_cells",
        )
