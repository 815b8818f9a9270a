"""Registers the movie of one plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.io import atomic, read_table, write_arrays, write_table
from groundtrace.motion.axial.columns import with_axial_motion
from groundtrace.motion.quality import assess
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.file import create_movie, nearby, open_movie
from groundtrace.movies.tables import unusable
from groundtrace.movies.z_stack import read_z_stack
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.task import Task

with job(snakemake.log[0]) as notices, TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    method, output = snakemake.params.method, snakemake.output
    acquisition = Acquisition.read(snakemake.input.acquisition)
    local = Path(scratch) if snakemake.resources.get("local_movies") else None
    movie = open_movie(nearby(snakemake.input.movie, local) if local else snakemake.input.movie)
    frames = read_table(snakemake.input.frames)
    segment = frames["segment"].to_numpy()
    task = Task(acquisition, unusable(frames), Path(scratch), snakemake.threads, segment=segment)
    with atomic(output.movie, local) as path:
        registered = create_movie(path, movie.shape, movie.dtype)
        reference = open_movie(snakemake.input.estimated_on) if snakemake.input.estimated_on else movie
        registration = method.register(reference, movie, registered, task)
        shifts, quality, images = assess(movie, registered, registration, frames)
        file = snakemake.params.z_stack
        stack = read_z_stack(file, movie.shape[1:]) if file.path else None
        shifts = with_axial_motion(shifts, registered, frames, images, acquisition.frame_rate, stack)
    given = [snakemake.input.acquisition]
    made_by = provenance("motion", method.model_dump(mode="json"), method.packages, given, notices)
    write_arrays(output.images, **images)
    write_table(output.quality, MotionQuality, quality, made_by)
    write_table(output.shifts, Shifts, shifts, made_by)
