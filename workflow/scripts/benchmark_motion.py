"""Scores the motion correction of a simulated plane."""

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.motion import blocks_of, conditions, plane_truth, score_motion, table_of
from groundtrace.benchmark.tables import MotionBenchmark
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    acquisition = Acquisition.read(given.acquisition, **params.labels)
    truth, blocks = plane_truth(read_table(given.true_shifts), acquisition.plane), blocks_of(read_arrays(given.images))
    shape = acquisition.height, acquisition.width
    score = score_motion(read_table(given.shifts), blocks, truth, shape, params.parameters)
    recorded = conditions(acquisition, params.simulation, truth, params.parameters)
    row = {**recorded, "motion_method": snakemake.wildcards.motion, **score.measures}
    made_by = provenance("benchmark_motion", params.identity["parameters"], ["numpy", "scipy"], [given.shifts])
    write_table(snakemake.output.table, MotionBenchmark, table_of(MotionBenchmark, [row]), made_by)
