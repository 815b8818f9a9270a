"""How many spikes each backend makes of bursts of known size, seen through each indicator.

    PYTHONPATH=workflow/src python measurements/linear_transfer.py [--cascade <CASCADE model>] [--level 2]

Bursts of 1, 2, 3, 5, 10 and 20 spikes, BETWEEN s apart and INTERVAL s between their spikes, in random order, of the
median cell of each indicator (`simulate`'s response), at 30 Hz and ν = LEVEL; kinetics are told. The response to a
burst is the sum of the rate from AROUND[0] s before its first to AROUND[1] s after its last spike, less what the same
backend gives in as long a stretch between bursts. Prints the mean over bursts, and its standard deviation from burst
to burst.
"""

import argparse
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.groundtruth.resampling import match_noise
from groundtrace.indicators import indicators, simulated
from groundtrace.random import stream
from groundtrace.simulation.activity import calcium_trace
from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.convex import Convex
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis

RATE = 30.0
SIZES = (1, 2, 3, 5, 10, 20)
EACH = 8
"""Bursts of each size in a trace."""
BETWEEN, INTERVAL = 10.0, 0.01
AROUND = (0.3, 1.2)
TRACES = {"network": 4, "oasis": 4, "convex": 1, "cascade": 2}


def bursts(indicator: str, trace: int, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """dF/F (n_frames,), and first spike (s) and size of each burst."""
    random = stream(0, "linear transfer", indicator, trace)
    sizes = random.permutation(np.repeat(SIZES, EACH))
    first = BETWEEN * (np.arange(len(sizes)) + 0.7) + random.uniform(0, 1 / RATE, len(sizes))
    spikes = np.concatenate([start + INTERVAL * np.arange(size) for start, size in zip(first, sizes, strict=True)])
    frames = round(RATE * BETWEEN * (len(sizes) + 1))
    noisy = match_noise(calcium_trace(spikes, frames, RATE, simulated(indicator)), RATE, level, random)
    assert noisy is not None
    return noisy, first, sizes.astype(float)


def responses(rate: FloatArray, first: FloatArray, sizes: FloatArray) -> FloatArray:
    """Spikes that each burst is taken for."""
    total = np.concatenate([[0.0], np.cumsum(rate) / RATE])

    def between(start: FloatArray, stop: FloatArray) -> FloatArray:
        ends = (np.interp(at * RATE, np.arange(len(total)), total) for at in (stop, start))
        return next(ends) - next(ends)

    start, stop = first - AROUND[0], first + (sizes - 1) * INTERVAL + AROUND[1]
    return between(start, stop) - between(2 * start - stop, start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cascade", type=Path, help="folder of a CASCADE model")
    parser.add_argument("--level", type=float, default=2.0, help="ν, %% Hz^(-1/2)")
    given = parser.parse_args()
    backends: dict[str, SpikeBackend] = {"network": Network(), "oasis": Oasis(), "convex": Convex()}
    if given.cascade:
        backends["cascade"] = Cascade(model=given.cascade)
    print("| indicator | backend | " + " | ".join(f"{size}" for size in SIZES) + " |")
    for name in indicators():
        for method, backend in backends.items():
            found, size = [], []
            for trace in range(TRACES[method]):
                dff, first, sizes = bursts(name, trace, given.level)
                rate = backend.run(dff[None].astype(np.float32), RATE, indicators()[name]).rate[0]
                found.append(responses(rate, first, sizes))
                size.append(sizes)
            each, known = np.concatenate(found), np.concatenate(size)
            cells = [f"{each[known == n].mean():.2f} ± {each[known == n].std(ddof=1):.2f}" for n in SIZES]
            print(f"| {name} | {method} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
