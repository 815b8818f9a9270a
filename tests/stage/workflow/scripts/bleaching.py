"""Brightness of the raw frames of one plane to how fast it fades."""

from groundtrace.bleaching.fit import fading
from groundtrace.bleaching.tables import Bleaching

from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]):
    frames = snakemake.input.frames
    made_by = provenance("bleaching", {}, ["numpy"], [frames])
    write_table(snakemake.output.table, Bleaching, fading(read_table(frames)), made_by)
