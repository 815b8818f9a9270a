"""How good are the most exciting images of a network, on cells with Gabors and cells of a network of real neurons?

    PYTHONPATH=workflow/src python measurements/most_exciting.py PATH/sensorium_sota_model.pth --seed 31

Half of the cells are of either kind, and see the patches of `patches` in config/responses; their calcium (jGCaMP8m)
gets white noise of ν = 5, and spikes are inferred by `network`; there is no movie. One network is fitted to the images
that are shown once. Prints, for cells with a true oracle correlation of 0.3 and more by kind, medians: r of predictions
of the other images with the true responses, and what the true cell does to its most exciting image and the rivals, over
its response to its best image, as the benchmark has it. --from-middle: all cells start to read in the middle.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

import groundtrace.encoding.training as training
from groundtrace.arrays import FloatArray
from groundtrace.benchmark.encoding import Stimulus, best_of, best_of_truth, score_predictions
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.indicators import indicators, simulated
from groundtrace.random import stream
from groundtrace.responses.windows import frame_spans, in_windows
from groundtrace.simulation.activity import calcium_trace
from groundtrace.simulation.evoked import Driven, evoke, fitted_network
from groundtrace.simulation.parameters import Simulation, StimulusParameters
from groundtrace.simulation.stimulus import pixels, show
from groundtrace.spikes.network.backend import Network
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

RATE, EARLY, INDICATOR, LEVEL, RELIABLE = 30.0, 5.0, "jGCaMP8m", 5.0, 0.3
SHARES = {"simple": 0.4, "complex": 0.4, "normalised": 0.2, "untuned": 0.0, "fitted": 1.0}


def made(path: Path, seed: int, cells: int, once: int) -> tuple[Stimulus, Driven, FloatArray]:
    """What is shown, the true cells, and their responses (n_cells, n_presentations) from inferred spikes."""
    shape = {"n_images": 50, "repeats": 8, "once": once, "grey": 0}
    stimulus = StimulusParameters.model_validate({**shape, **SHARES, "network": path})
    lasting = stimulus.presentations * stimulus.duration + 2
    parameters = Simulation(seed=seed, frames=int(np.ceil(lasting * RATE)) + 1, rate=2.0, stimulus=stimulus)
    shown = show(parameters, "encoders", RATE)
    assert shown is not None
    random, frames = stream(seed, "cells"), parameters.frames
    spiking, driven = evoke(random, parameters, shown, cells, 0.0, -EARLY, frames / RATE)
    kinetics = simulated(INDICATOR)
    spread = np.exp(kinetics.spread * stream(seed, INDICATOR).standard_normal(cells))
    calcium = spread[:, None] * np.stack([calcium_trace(train, frames, RATE, kinetics) for train in spiking.times])
    noise = stream(seed, "noise", LEVEL).standard_normal(calcium.shape)
    dff = (calcium + LEVEL / 100 * np.sqrt(RATE) / GAUSSIAN_DIFFERENCE * noise).astype(np.float32)
    rate = Network().run(dff, RATE, indicators()[INDICATOR]).rate.astype(np.float64)
    spans = frame_spans(np.arange(frames) / RATE, np.zeros(frames, np.int64), RATE)
    begin = shown.presentations["start_time"].to_numpy() + stimulus.latency
    windows = np.column_stack([begin, begin + stimulus.duration])
    seen = Stimulus(pixels(shown.images).astype(np.float32), shown.order, fitted_network(stimulus))
    return seen, driven, in_windows(rate, None, spans, windows, 0.9).expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    for name, value in {"seed": 31, "cells": 30, "once": 4000, "members": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--from-middle", action="store_true")
    given = parser.parse_args()
    if given.from_middle:
        training.receptive_places = lambda images, responses, weight: torch.full((responses.shape[1], 2), torch.nan)
    seen, driven, response = made(given.network, given.seed, given.cells, given.once)
    began, parameters = time.process_time(), EncodingParameters(starts=2, steps=60)
    fitting = parameters.model_copy(update={"seed": given.seed})
    backend = EncodingNetwork(members=given.members)
    scores, model = score_predictions(backend, seen, response, driven.expected, fitting)
    assert model is not None
    took = time.process_time() - began
    chosen = np.flatnonzero(driven.oracle >= RELIABLE)
    optimum = best_of_truth(driven.fields.take(chosen), seen, parameters)
    found = {"r": scores["cc_true"], **best_of(model, chosen, seen, response, optimum, parameters)}
    kind = driven.fields.kind[chosen]
    kinds = {name: kind == name for name in np.unique(kind)}
    for name, some in {"Gabor": kind != "fitted", **kinds}.items():
        medians = [f"{key} {np.median(values[chosen][some]):.2f}" for key, values in found.items()]
        mean = f"mean of mei {found['mei'][chosen][some].mean():.2f}"
        above = f"above the best image {np.mean((found['mei'] > found['best_image'])[chosen][some]):.0%}"
        print(f"{name}, {some.sum()} cells: {', '.join([*medians, mean, above])}", flush=True)
    print(f"fit {took:.0f} CPU s")


if __name__ == "__main__":
    main()
