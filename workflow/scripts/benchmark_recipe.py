"""Scores what a recipe made of a simulated plane."""

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.motion import blocks_of, conditions, plane_truth, score_motion
from groundtrace.benchmark.recipes import Found, score_recipe
from groundtrace.benchmark.tables import CellBenchmark, ExtractionBenchmark, RecipeBenchmark
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, params, output = snakemake.input, snakemake.params, snakemake.output
    acquisition = Acquisition.read(given.acquisition, **snakemake.params.labels)
    truth, cells = (plane_truth(read_table(path), acquisition.plane) for path in (given.true_shifts, given.true_cells))
    shape, blocks = (acquisition.height, acquisition.width), blocks_of(read_arrays(given.images))
    motion = score_motion(read_table(given.shifts), blocks, truth, shape, params.parameters)
    recorded = conditions(acquisition, params.simulation, truth, params.parameters)
    found = Found(*(read_table(path) for path in (given.rois, given.traces, given.spikes)))
    score = score_recipe(params.methods, recorded, cells, found, motion, acquisition, params.parameters)
    made_by = provenance("benchmark_recipe", params.identity["parameters"], ["numpy", "scipy"], [given.spikes])
    write_table(output.cells, CellBenchmark, score.cells, made_by)
    write_table(output.extraction, ExtractionBenchmark, score.extraction, made_by)
    write_table(output.recipe, RecipeBenchmark, score.recipe, made_by)
