"""Fluorescence of one plane to dF/F, of the cells that a person or the extraction accepts."""

from groundtrace.acquisition import Acquisition
from groundtrace.curation.apply import curated
from groundtrace.curation.tables import Curation
from groundtrace.extraction.tables import Rois
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.motion.tables import depth_of
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.traces.steps import compute_traces
from groundtrace.traces.tables import Brightness, Traces

with job(snakemake.log[0]) as notices:
    parameters, given, output = snakemake.params.method, snakemake.input, snakemake.output
    smoothing, curation = snakemake.params.smoothing, snakemake.params.curation
    saturated = read_arrays(given.images)["saturated"]
    acquisition = Acquisition.read(given.acquisition, **snakemake.params.labels)
    decisions, file = (curation.decisions, str(curation.path)) if curation else ((), "")
    found, measured = read_table(given.found), read_table(given.fluorescence)
    rois, measured, decided = curated(found, measured, decisions, file)
    moved = read_table(given.shifts, ["bad", "z", "axial_mode"])
    segment = read_table(given.frames, ["segment"])["segment"].to_numpy()
    bad, depth = moved["bad"].to_numpy(), depth_of(moved)
    traces, brightness = compute_traces(
        measured, rois, acquisition, saturated, bad, parameters, smoothing, segment, depth
    )
    used = parameters.model_dump(mode="json") | ({"smoothing": smoothing.model_dump(mode="json")} if smoothing else {})
    used |= {"curation": curation.digest} if curation else {}
    packages = ["numpy", "scipy", *(["numba"] if smoothing else [])]
    made_by = provenance("dff", used, packages, [given.fluorescence], notices)
    write_table(output.rois, Rois, rois, made_by)
    write_table(output.curation, Curation, decided, made_by)
    write_table(output.brightness, Brightness, brightness, made_by)
    write_table(output.traces, Traces, traces, made_by)
