"""Scores a denoising of a simulated plane: its movie, and the traces of the true footprints."""

import json
from pathlib import Path

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.denoising import Measured, denoising_row, score_denoising
from groundtrace.benchmark.motion import blocks_of, conditions, plane_truth, score_motion
from groundtrace.benchmark.oracle import shown
from groundtrace.benchmark.tables import DenoisingBenchmark
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, params, names = snakemake.input, snakemake.params, snakemake.wildcards
    acquisition = Acquisition.read(given.acquisition, **snakemake.params.labels)
    truth, cells = (plane_truth(read_table(path), acquisition.plane) for path in (given.true_shifts, given.true_cells))
    shape, blocks = (acquisition.height, acquisition.width), blocks_of(read_arrays(given.images))
    motion = score_motion(read_table(given.shifts), blocks, truth, shape, params.parameters)
    cells, _ = shown(cells, motion.offset, params.parameters.detectability, shape)
    measured = Measured(*(read_table(path) for path in (given.fluorescence, given.traces, given.clean)))
    scores = score_denoising(measured, cells, acquisition, params.simulation.null_movie, params.dff, params.spikes)
    recorded = conditions(acquisition, params.simulation, truth, params.parameters)
    row = {**recorded, "motion_method": names.motion, "denoise": names.denoise, **scores}
    table = denoising_row(row | json.loads(Path(given.movie).read_text()))
    used = [*params.spikes.packages, "scipy"]
    made_by = provenance("benchmark_denoising", params.identity["parameters"], used, [given.traces])
    write_table(snakemake.output.table, DenoisingBenchmark, table, made_by)
