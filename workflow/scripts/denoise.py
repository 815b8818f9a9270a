"""Denoises the registered movie of one plane."""

from groundtrace.acquisition import Acquisition
from groundtrace.denoising.files import write_noise, write_weights
from groundtrace.denoising.pictures import active_frame
from groundtrace.io import atomic, create_movie, open_movie, read_table, write_arrays, write_table
from groundtrace.job import job
from groundtrace.provenance import provenance
from groundtrace.tables import DenoisingCheck, TrainingCurve

with job(snakemake.log[0]):
    method, given, output = snakemake.params.method, snakemake.input, snakemake.output
    acquisition, movie = Acquisition.read(given.acquisition), open_movie(given.movie)
    bad = read_table(given.shifts, ["bad"])["bad"].to_numpy()
    with atomic(output.movie) as path, atomic(output.deviation) as deviation_path:
        denoised = create_movie(path, movie.shape, "float32")
        deviation = create_movie(deviation_path, movie.shape, "float16")
        found = method.run(movie, denoised, deviation, bad, acquisition, snakemake.threads)
        write_arrays(output.images, **active_frame(movie, denoised, found, bad))
    made_by = provenance("denoise", method.model_dump(mode="json"), method.packages, [given.shifts])
    write_noise(output.noise, found)
    write_weights(output.model, found)
    write_table(output.curve, TrainingCurve, found.curve, made_by)
    write_table(output.check, DenoisingCheck, found.check, made_by)
