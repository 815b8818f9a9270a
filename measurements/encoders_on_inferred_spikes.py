"""What does spike inference cost an encoding model? Cells with known receptive fields, traces of a known noise level.

    PYTHONPATH=workflow/src python measurements/encoders_on_inferred_spikes.py [--cells 24] [--once 420] [--images]

Simulated cells see natural patches; their calcium gets white noise of a level ν; spikes are inferred, summed over the
window of each presentation, and encoding models are fitted to them. There is no movie: what extraction and neuropil
cost is in `snakemake -- benchmark`. Prints, per indicator, ν and spike inference, medians over the cells with a true
oracle correlation of 0.3 and more: the correlation of left-out predictions with the true mean responses, the ratio to
that of a model fitted to the true spikes, and the same ratio of CCnorm, which a user can compute. --once: images that
are shown once, beside 60 that are shown 8 times; where they are more, models learn from them alone. --images adds what
the true cell does to the most exciting image and its rivals, over its response to its best image, at the first level.
"""

import argparse

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.encoding import Stimulus, best_of, best_of_truth, score_predictions
from groundtrace.encoding.base import EncodingBackend
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.indicators import indicators, simulated
from groundtrace.random import stream
from groundtrace.responses.windows import frame_spans, in_windows
from groundtrace.simulation.activity import calcium_trace
from groundtrace.simulation.evoked import evoke
from groundtrace.simulation.parameters import Simulation, StimulusParameters
from groundtrace.simulation.stimulus import pixels, show
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

RATE, EARLY = 30.0, 5.0
INDICATORS = ("jGCaMP8m", "GCaMP6s")
LEVELS = (2.0, 4.0, 8.0)
FOLDS, RELIABLE = 3, 0.3
STIMULUS = StimulusParameters(n_images=60, repeats=8, once=420, grey=0.1, height=24, width=32, untuned=0)
MODELS: dict[str, EncodingBackend] = {"linear": Linear(), "gabor": Gabor(), "network": EncodingNetwork(members=1)}


def with_noise(calcium: FloatArray, level: float) -> FloatArray:
    """dF/F (n_cells, n_frames) at a noise level ν, % Hz^-1/2."""
    deviation = level / 100 * np.sqrt(RATE) / GAUSSIAN_DIFFERENCE
    noise = stream(1, "noise", level).standard_normal(calcium.shape)
    return (calcium + deviation * noise).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=24)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--once", type=int, default=STIMULUS.once)
    parser.add_argument("--models", nargs="+", default=["linear", "gabor"], choices=list(MODELS))
    parser.add_argument("--indicators", nargs="+", default=INDICATORS)
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS)
    parser.add_argument("--images", action="store_true")
    given = parser.parse_args()
    stimulus = STIMULUS.model_copy(update={"once": given.once})
    lasting = stimulus.presentations * (stimulus.duration + stimulus.grey) + 2
    parameters = Simulation(seed=given.seed, frames=int(np.ceil(lasting * RATE)) + 1, rate=2.0, stimulus=stimulus)
    shown = show(parameters, "encoders", RATE)
    assert shown is not None
    seconds = parameters.frames / RATE
    random = stream(given.seed, "cells")
    spiking, driven = evoke(random, parameters, shown, given.cells, 0.0, -EARLY, seconds)
    begin = shown.presentations["start_time"].to_numpy() + stimulus.latency
    windows = np.column_stack([begin, begin + stimulus.duration])
    spans = frame_spans(np.arange(parameters.frames) / RATE, np.zeros(parameters.frames, np.int64), RATE)
    seen, kept = Stimulus(pixels(shown.images).astype(np.float32), shown.order), driven.oracle >= RELIABLE
    counts = np.stack([np.searchsorted(t, windows[:, 1]) - np.searchsorted(t, windows[:, 0]) for t in spiking.times])
    models = {name: MODELS[name] for name in given.models}
    made = EncodingParameters(cells=given.cells, folds=FOLDS, starts=2)
    optimum = best_of_truth(driven.fields.take(kept), seen, made)

    def scores(model: str, response: FloatArray) -> dict[str, FloatArray]:
        return score_predictions(models[model], seen, response, driven.expected, made)[0]

    def told(model: str, response: FloatArray) -> str:
        if not given.images:
            return ""
        fitted = models[model].fit(seen.images, seen.image_of, response, 0)
        found = best_of(fitted, np.flatnonzero(kept), seen, response, optimum, made)
        medians = {name: float(np.nanmedian(values[kept])) for name, values in found.items()}
        above = float((found["mei"] > found["best_image"])[kept].mean())
        return " ".join(f"{name} {value:.2f}" for name, value in medians.items()) + f" mei above image {above:.2f}"

    print(f"{kept.sum()} of {given.cells} cells; {stimulus.presentations} presentations, {seconds:.0f} s")
    true = {model: scores(model, counts.astype(np.float64)) for model in models}
    for model, found in true.items():
        line = f"true spikes  {model:7} r {np.nanmedian(found['cc_true'][kept]):.2f}"
        print(
            f"{line} CCnorm {np.nanmedian(found['cc_norm'][kept]):.2f} {told(model, counts.astype(float))}", flush=True
        )
    for indicator in given.indicators:
        kinetics = simulated(indicator)
        spread = np.exp(kinetics.spread * stream(given.seed, indicator).standard_normal(given.cells))
        traces = [calcium_trace(train, parameters.frames, RATE, kinetics) for train in spiking.times]
        for level in given.levels:
            dff = with_noise(spread[:, None] * np.stack(traces), level)
            rates = {"network": Network(), "oasis": Oasis()}
            rates = {name: backend.run(dff, RATE, indicators()[indicator]).rate for name, backend in rates.items()}
            for name, rate in {**rates, "dff": dff}.items():
                response = in_windows(rate.astype(np.float64), None, spans, windows, 0.9).expected
                for model in models:
                    found = scores(model, response)
                    ratios = [
                        np.nanmedian(found[key][kept]) / np.nanmedian(true[model][key][kept])
                        for key in ("cc_true", "cc_norm")
                    ]
                    line = f"{indicator:9} ν {level:g} {name:8} {model:7} r {np.nanmedian(found['cc_true'][kept]):.2f} "
                    line += "of true {:.2f} CCnorm of true {:.2f} ".format(*ratios)
                    print(line + (told(model, response) if level == given.levels[0] else ""), flush=True)


if __name__ == "__main__":
    main()
