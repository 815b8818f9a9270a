"""Denoises the registered movie of one plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.denoising.files import write_weights
from groundtrace.denoising.pictures import active_frame
from groundtrace.denoising.tables import DenoisingCheck, TrainingCurve
from groundtrace.io import atomic, read_table, write_arrays, write_table
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.movies.noise import write_noise
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.task import Task

with job(snakemake.log[0]) as notices, TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    method, given, output = snakemake.params.method, snakemake.input, snakemake.output
    acquisition, movie = Acquisition.read(given.acquisition), open_movie(given.movie)
    bad = read_table(given.shifts, ["bad"])["bad"].to_numpy()
    segment = read_table(given.frames, ["segment"])["segment"].to_numpy()
    task = Task(acquisition, bad, Path(scratch), snakemake.threads, segment=segment)
    with atomic(output.movie) as path, atomic(output.deviation) as deviation_path:
        denoised = create_movie(path, movie.shape, "float32")
        deviation = create_movie(deviation_path, movie.shape, "float16")
        found = method.run(movie, denoised, deviation, task)
        write_arrays(output.images, **active_frame(movie, denoised, found, bad))
    made_by = provenance("denoise", method.model_dump(mode="json"), method.packages, [given.shifts], notices)
    write_noise(output.noise, found.noise, found.mean)
    write_weights(output.model, found)
    write_table(output.curve, TrainingCurve, found.curve, made_by)
    write_table(output.check, DenoisingCheck, found.check, made_by)
