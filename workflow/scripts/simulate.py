"""A simulated recording and its truth."""

from pathlib import Path

from groundtrace.io import write_arrays, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.simulation.simulate import simulate
from groundtrace.simulation.tables import (
    SimulatedStimuli,
    TruthCells,
    TruthEvents,
    TruthResponses,
    TruthSections,
    TruthShifts,
)

with job(snakemake.log[0]):
    parameters, session, output = snakemake.params.parameters, snakemake.params.session, snakemake.output
    truth = simulate(parameters, session, Path(output.movie), output.get("clean"))
    packages = ["imagecodecs", "numpy", "scikit-learn", "scipy", "tifffile"]
    made_by = provenance("simulate", parameters.model_dump(mode="json"), packages, [])
    write_table(output.cells, TruthCells, truth.cells(), made_by)
    write_table(output.shifts, TruthShifts, truth.displacement(), made_by)
    write_table(output.sections, TruthSections, truth.sections(), made_by)
    write_table(output.events, TruthEvents, truth.events(), made_by)
    write_table(output.responses, TruthResponses, truth.responses(), made_by)
    write_table(output.stimuli, SimulatedStimuli, truth.stimuli(), made_by)
    write_arrays(output.images, images=truth.images())
