"""Statistics of one plane, by which simulated recordings are compared with real ones."""

import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_table, write_table
from groundtrace.movies.file import open_movie
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.simulation.realism import Realism, measure

with job(snakemake.log[0]):
    given = snakemake.input
    acquisition = Acquisition.read(given.acquisition)
    tables = [read_table(path) for path in (given.shifts, given.rois, given.traces)]
    movies = [open_movie(path) for path in (given.raw, given.registered)]
    found = measure(*movies, *tables, acquisition.frame_rate, acquisition.offset or 0.0)
    table = found.select(
        pl.lit(acquisition.key).alias("session"),
        pl.lit(acquisition.plane, pl.Int32).alias("plane"),
        pl.lit(acquisition.simulated).alias("simulated"),
        pl.all(),
    )
    made_by = provenance("realism_statistics", {}, ["numpy", "scipy"], [given.traces])
    write_table(snakemake.output.table, Realism, table, made_by)
