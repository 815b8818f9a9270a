"""dF/F of one plane to spike rates."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.spikes.steps import infer_spikes
from groundtrace.spikes.tables import Spikes

with job(snakemake.log[0]) as notices:
    method, trace, given = snakemake.params.method, snakemake.params.trace, snakemake.input
    acquisition = Acquisition.read(given.acquisition, **snakemake.params.labels)
    traces = read_table(given.traces, ["roi", "accepted", trace, "noise_level"])
    rates = infer_spikes(traces, acquisition, method, trace, read_table(given.frames, ["time", "segment"]))
    parameters = method.model_dump(mode="json", exclude={"model"}) | {"indicator": snakemake.params.indicator}
    parameters |= {"files": snakemake.params.identity["files"], "column": trace}
    made_by = provenance("spikes", parameters, method.packages, [given.traces], notices)
    write_table(snakemake.output.spikes, Spikes, rates, made_by)
