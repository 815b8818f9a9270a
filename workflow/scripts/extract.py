"""Finds and measures the ROIs of one registered plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.extraction.measured import measure_beside
from groundtrace.io import nearby, open_movie, read_table, write_table
from groundtrace.job import job
from groundtrace.provenance import provenance
from groundtrace.tables import Fluorescence, Rois

with job(snakemake.log[0]), TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    method, output = snakemake.params.method, snakemake.output
    acquisition = Acquisition.read(snakemake.input.acquisition)
    local = Path(scratch) if snakemake.resources.get("local_movies") else None
    movie = open_movie(nearby(snakemake.input.movie, local) if local else snakemake.input.movie)
    bad = read_table(snakemake.input.shifts, ["bad"])["bad"].to_numpy()
    found = method.run(movie, bad, acquisition, Path(scratch), snakemake.threads)
    if snakemake.input.get("measured"):
        found = measure_beside(found, snakemake.input.measured, snakemake.input.noise, snakemake.threads)
    made_by = provenance("extract", method.model_dump(mode="json"), method.packages, [snakemake.input.shifts])
    write_table(output.rois, Rois, describe(found, movie.shape[1:]), made_by)
    write_table(output.fluorescence, Fluorescence, fluorescence_table(found), made_by)
