"""Measures the true footprints of a simulated plane in its registered movie."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.denoised_movie import open_plane
from groundtrace.benchmark.motion import blocks_of, plane_truth, score_motion
from groundtrace.benchmark.oracle import measure_truth
from groundtrace.extraction.files import write_extraction
from groundtrace.extraction.measured import measure_beside
from groundtrace.extraction.transients import Transients
from groundtrace.io import read_arrays, read_table
from groundtrace.movies.file import open_movie
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]), TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    given, parameters = snakemake.input, snakemake.params.parameters
    acquisition = Acquisition.read(given.acquisition)
    movie = open_plane(given.movie, acquisition)
    truth, cells = (plane_truth(read_table(path), acquisition.plane) for path in (given.true_shifts, given.true_cells))
    blocks = blocks_of(read_arrays(given.images))
    shifts = read_table(given.shifts)
    motion, bad = score_motion(shifts, blocks, truth, movie.shape[1:], parameters), shifts["bad"].to_numpy()
    found = measure_truth(
        movie, bad, cells, motion.offset, parameters.detectability, acquisition, Path(scratch), snakemake.threads
    )
    if given.get("measured"):
        found = measure_beside(found, open_movie(given.measured), given.noise, snakemake.threads)
    packages, known = Transients.packages, [given.shifts, given.true_cells]
    made_by = provenance("oracle", snakemake.params.identity["parameters"], packages, known)
    write_extraction(snakemake.output, found, movie, bad, acquisition, made_by)
