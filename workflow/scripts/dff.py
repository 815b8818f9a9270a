"""Fluorescence of one plane to dF/F."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.traces.steps import compute_traces
from groundtrace.traces.tables import Brightness, Traces

with job(snakemake.log[0]) as notices:
    parameters, given = snakemake.params.method, snakemake.input
    saturated = read_arrays(given.images)["saturated"]
    acquisition = Acquisition.read(given.acquisition, **snakemake.params.labels)
    measured, rois, smoothing = read_table(given.fluorescence), read_table(given.rois), snakemake.params.smoothing
    bad = read_table(given.shifts, ["bad"])["bad"].to_numpy()
    segment = read_table(given.frames, ["segment"])["segment"].to_numpy()
    traces, brightness = compute_traces(measured, rois, acquisition, saturated, bad, parameters, smoothing, segment)
    used = parameters.model_dump(mode="json") | ({"smoothing": smoothing.model_dump(mode="json")} if smoothing else {})
    packages = ["numpy", "scipy", *(["numba"] if smoothing else [])]
    made_by = provenance("dff", used, packages, [given.fluorescence], notices)
    write_table(snakemake.output.brightness, Brightness, brightness, made_by)
    write_table(snakemake.output.traces, Traces, traces, made_by)
