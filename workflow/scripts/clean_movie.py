"""A simulated recording once more, for its movie without noise."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.running.job import job
from groundtrace.simulation.simulate import simulate

with job(snakemake.log[0]), TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    parameters, session = snakemake.params.parameters, snakemake.params.session
    simulate(parameters, session, Path(scratch, "movie.tif"), snakemake.output.clean)
