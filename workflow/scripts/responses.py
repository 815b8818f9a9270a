"""Spike rates and presentations of one plane to responses, their reliability and tuning."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.responses.steps import judge, on_the_clock, respond, tune
from groundtrace.responses.tables import Reliability, Responses, Tuning
from groundtrace.running.job import job

with job(snakemake.log[0]) as notices:
    method, given, made = snakemake.params.method, snakemake.input, snakemake.output
    acquisition, shown = Acquisition.read(given.acquisition), read_table(given.presentations)
    frames = on_the_clock(read_table(given.frames, ["time", "segment"]), acquisition)
    responses = respond(shown, frames, given.spikes, acquisition.frame_rate, method)
    reliability, tuning = judge(shown, responses, method), tune(shown, responses, method)
    packages = ["numpy", "scipy", "scikit-learn"]
    sources = [given.spikes, given.presentations]
    made_by = provenance("responses", method.model_dump(mode="json"), packages, sources, notices)
    write_table(made.responses, Responses, responses, made_by)
    write_table(made.reliability, Reliability, reliability, made_by)
    write_table(made.tuning, Tuning, tuning, made_by)
