"""Scores the responses to stimuli that a recipe gave the cells of a simulated plane, and encoding models of them."""

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.encoding import Stimulus, score_encoding
from groundtrace.benchmark.motion import plane_truth
from groundtrace.benchmark.responses import judged, score_responses, sources_of
from groundtrace.benchmark.tables import EncodingBenchmark, ResponseBenchmark
from groundtrace.io import read_arrays, read_table, write_table
from groundtrace.provenance import provenance
from groundtrace.responses.steps import kept_of, on_the_clock, windows_of
from groundtrace.responses.windows import frame_spans, plane_delay
from groundtrace.running.job import job
from groundtrace.simulation.evoked import fitted_network
from groundtrace.simulation.stimulus import pixels

with job(snakemake.log[0]):
    given, parameters, method = snakemake.input, snakemake.params.parameters, snakemake.params.method
    simulation = snakemake.params.simulation
    acquisition, shown = Acquisition.read(given.acquisition), read_table(given.presentations)
    plane, rate = acquisition.plane, acquisition.frame_rate
    cells = judged(read_table(given.cells), parameters.detectability)
    times, truth = (plane_truth(read_table(path), plane) for path in (given.true_cells, given.true_responses))
    frames = on_the_clock(read_table(given.frames, ["time", "segment"]), acquisition)
    spans = frame_spans(frames["time"].to_numpy(), frames["segment"].to_numpy(), rate)
    found, traces = read_table(given.responses), read_table(given.traces, ["roi", "dff"])
    delay, windows = plane_delay(plane, acquisition.planes, rate), windows_of(shown, method)
    sources = sources_of(cells, times["spike_times"], found, traces, spans, windows, delay, method.coverage)
    images, image_of = pixels(read_arrays(given.images)["images"]), shown["image"].cast(int).to_numpy()
    stimulus = Stimulus(images, image_of, fitted_network(simulation.stimulus))
    sure = cells.join(
        read_table(given.spikes, ["roi", "expected_correlation"]), on="roi", how="left", maintain_order="left"
    )
    models, encoding, used = snakemake.params.models, snakemake.params.encoding, snakemake.params.identity
    by = kept_of(cells.select("roi").join(found, on="roi", how="left", maintain_order="left"))
    scores = score_responses(cells, truth, shown, sources, by)
    if not snakemake.params.leads:
        # True spikes and dF/F are the same in all recipes with these ROIs.
        sources = {"inferred": sources["inferred"]}
    if simulation.stimulus.images == "gratings":
        # What left-out gratings do says little of other images; they have tuning.
        models = {}
    encoded = score_encoding(models, encoding, sure, truth, stimulus, sources)
    made_by = provenance("benchmark_responses", used["parameters"], ["numpy"], [given.responses])
    write_table(snakemake.output.table, ResponseBenchmark, scores, made_by)
    made_by = provenance("benchmark_responses", used["encoding"], ["numpy", "torch"], [given.responses])
    write_table(snakemake.output.encoding, EncodingBenchmark, encoded, made_by)
