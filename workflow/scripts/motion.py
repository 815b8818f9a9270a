"""Registers the movie of one plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.io import atomic, create_movie, nearby, open_movie, read_table, write_arrays, write_table
from groundtrace.job import job
from groundtrace.motion.quality import assess
from groundtrace.provenance import provenance
from groundtrace.tables import MotionQuality, Shifts

with job(snakemake.log[0]), TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    method, output = snakemake.params.method, snakemake.output
    acquisition = Acquisition.read(snakemake.input.acquisition)
    local = Path(scratch) if snakemake.resources.get("local_movies") else None
    movie = open_movie(nearby(snakemake.input.movie, local) if local else snakemake.input.movie)
    frames = read_table(snakemake.input.frames)
    with atomic(output.movie, local) as path:
        registered = create_movie(path, movie.shape, movie.dtype)
        reference = open_movie(snakemake.input.estimated_on) if snakemake.input.estimated_on else movie
        registration = method.register(reference, movie, registered, acquisition, Path(scratch), snakemake.threads)
        shifts, quality, images = assess(movie, registered, registration, frames)
    made_by = provenance("motion", method.model_dump(mode="json"), method.packages, [snakemake.input.acquisition])
    write_arrays(output.images, **images)
    write_table(output.quality, MotionQuality, quality, made_by)
    write_table(output.shifts, Shifts, shifts, made_by)
