"""Measures the true footprints of a simulated plane in its registered movie."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.denoised_movie import of_plane
from groundtrace.benchmark.motion import blocks_of, plane_truth, score_motion
from groundtrace.benchmark.oracle import measure_truth
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.extraction.measured import measure_beside
from groundtrace.io import open_movie, read_arrays, read_table, write_table
from groundtrace.job import job
from groundtrace.provenance import provenance
from groundtrace.suite2p_api import PACKAGES
from groundtrace.tables import Fluorescence, Rois

with job(snakemake.log[0]), TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    given, parameters = snakemake.input, snakemake.params.parameters
    acquisition = Acquisition.read(given.acquisition)
    movie = of_plane(open_movie(given.movie), acquisition)
    truth, cells = (plane_truth(read_table(path), acquisition.plane) for path in (given.true_shifts, given.true_cells))
    blocks = blocks_of(read_arrays(given.images))
    motion = score_motion(read_table(given.shifts), blocks, truth, movie.shape[1:], parameters)
    found = measure_truth(movie, cells, motion.offset, parameters.detectability, Path(scratch), snakemake.threads)
    if given.get("measured"):
        found = measure_beside(found, given.measured, given.noise, snakemake.threads)
    made_by = provenance("oracle", snakemake.params.identity["parameters"], PACKAGES, [given.shifts, given.true_cells])
    write_table(snakemake.output.rois, Rois, describe(found, movie.shape[1:]), made_by)
    write_table(snakemake.output.fluorescence, Fluorescence, fluorescence_table(found), made_by)
