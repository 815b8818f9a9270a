"""Fluorescence of one plane to dF/F."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.job import job
from groundtrace.provenance import provenance
from groundtrace.tables import Traces
from groundtrace.traces import compute_traces

with job(snakemake.log[0]):
    parameters, given = snakemake.params.method, snakemake.input
    saturated = read_arrays(given.images)["saturated"]
    acquisition = Acquisition.read(given.acquisition)
    measured, rois, smoothing = read_table(given.fluorescence), read_table(given.rois), snakemake.params.smoothing
    traces = compute_traces(measured, rois, acquisition, saturated, parameters, smoothing)
    used = parameters.model_dump(mode="json") | ({"smoothing": smoothing.model_dump(mode="json")} if smoothing else {})
    made_by = provenance("dff", used, ["numpy", "scipy", *(["numba"] if smoothing else [])], [given.fluorescence])
    write_table(snakemake.output.traces, Traces, traces, made_by)
