"""A simulated recording and its truth."""

from pathlib import Path

from groundtrace.io import write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.simulation.simulate import simulate
from groundtrace.simulation.tables import TruthCells, TruthSections, TruthShifts

with job(snakemake.log[0]):
    parameters, session, output = snakemake.params.parameters, snakemake.params.session, snakemake.output
    truth = simulate(parameters, session, Path(output.movie), output.get("clean"))
    made_by = provenance("simulate", parameters.model_dump(mode="json"), ["numpy", "scipy", "tifffile"], [])
    write_table(output.cells, TruthCells, truth.cells(), made_by)
    write_table(output.shifts, TruthShifts, truth.displacement(), made_by)
    write_table(output.sections, TruthSections, truth.sections(), made_by)
