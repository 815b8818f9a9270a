"""Scores the responses to stimuli that a recipe gave the cells of a simulated plane."""

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.motion import plane_truth
from groundtrace.benchmark.responses import judged, score_responses, sources_of
from groundtrace.benchmark.tables import ResponseBenchmark
from groundtrace.io import read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.responses.steps import on_the_clock, windows_of
from groundtrace.responses.windows import frame_spans, plane_delay
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, parameters, method = snakemake.input, snakemake.params.parameters, snakemake.params.method
    acquisition, shown = Acquisition.read(given.acquisition), read_table(given.presentations)
    plane, rate = acquisition.plane, acquisition.frame_rate
    cells = judged(read_table(given.cells), parameters.detectability)
    times, truth = (plane_truth(read_table(path), plane) for path in (given.true_cells, given.true_responses))
    frames = on_the_clock(read_table(given.frames, ["time", "segment"]), acquisition)
    spans = frame_spans(frames["time"].to_numpy(), frames["segment"].to_numpy(), rate)
    found, traces = read_table(given.responses), read_table(given.traces, ["roi", "dff"])
    delay, windows = plane_delay(plane, acquisition.planes, rate), windows_of(shown, method)
    sources = sources_of(cells, times["spike_times"], found, traces, spans, windows, delay, method.coverage)
    made_by = provenance("benchmark_responses", snakemake.params.identity["parameters"], ["numpy"], [given.responses])
    write_table(snakemake.output.table, ResponseBenchmark, score_responses(cells, truth, shown, sources), made_by)
