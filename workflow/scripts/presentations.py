"""The file of stimuli of one session to presentations on the clock of a plane."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.responses.steps import on_the_clock, present
from groundtrace.responses.tables import presentations_table
from groundtrace.running.job import job

with job(snakemake.log[0]) as notices:
    given, identity = snakemake.input, snakemake.params.identity
    stimuli, acquisition = snakemake.params.session.stimuli, Acquisition.read(given.acquisition)
    frames = on_the_clock(read_table(given.frames, ["time", "segment"]), acquisition)
    shown = present(stimuli, frames, acquisition.frame_rate, snakemake.params.method)
    used = {name: identity[name] for name in ("stimuli", "conditions")}
    made_by = provenance("presentations", used, ["polars"], [given.frames], notices)
    write_table(snakemake.output.table, presentations_table(shown), shown, made_by)
