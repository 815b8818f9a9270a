"""Finds and measures the ROIs of one registered plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.files import write_extraction
from groundtrace.extraction.measured import measure_beside
from groundtrace.io import read_table
from groundtrace.movies.file import nearby, open_movie
from groundtrace.provenance import file_hash, provenance
from groundtrace.running.job import job
from groundtrace.task import Task

with job(snakemake.log[0]) as notices, TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    method, output = snakemake.params.method, snakemake.output
    acquisition = Acquisition.read(snakemake.input.acquisition, **snakemake.params.labels)
    local = Path(scratch) if snakemake.resources.get("local_movies") else None
    movie = open_movie(nearby(snakemake.input.movie, local) if local else snakemake.input.movie)
    bad = read_table(snakemake.input.shifts, ["bad"])["bad"].to_numpy()
    measured = open_movie(snakemake.input.measured) if snakemake.input.get("measured") else None
    segment = read_table(snakemake.input.frames, ["segment"])["segment"].to_numpy()
    task = Task(acquisition, bad, Path(scratch), snakemake.threads, snakemake.params.rois, segment)
    found = method.run(movie, task, measured)
    if measured is not None:
        found = measure_beside(found, measured, snakemake.input.noise, snakemake.threads)
    used = method.model_dump(mode="json") | ({"rois": file_hash(task.rois.path)} if task.rois else {})
    made_by = provenance("extract", used, method.packages, [snakemake.input.shifts], notices)
    write_extraction(output, found, movie, bad, acquisition, made_by)
