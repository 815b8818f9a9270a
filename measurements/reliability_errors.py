"""Are statistics of reliability as uncertain as their errors say, for cells whose mean responses are known?

    PYTHONPATH=workflow/src python measurements/reliability_errors.py

Each of 24 cells of a kind responds with Poisson counts, drawn 200 times. Prints the root mean square of the stated
error over the standard deviation of the statistic over draws, the median over cells.
"""

import argparse

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.responses.reliability import reliability

SIZES = ((60, 8), (118, 10), (20, 20), (30, 4), (60, 3), (100, 2))
"""Conditions, and repeats of each."""
NAMES = ("oracle", "variance", "signal_power", "ceiling", "explainable", "split_half", "sparseness", "entropy")
KINDS = ("untuned", "weak", "strong", "sparse")


def means(kind: str, cells: int, conditions: int, random: np.random.Generator) -> FloatArray:
    """(n_cells, n_conditions) spikes."""
    match kind:
        case "untuned":
            return np.full((cells, conditions), 1.5)
        case "sparse":
            return 0.1 + 3.0 * (random.random((cells, conditions)) < 0.1)
        case _:
            return 1 + (1.0 if kind == "strong" else 0.3) * random.gamma(0.5, 2, (cells, conditions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=24)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    print("cells, conditions x repeats:", ", ".join(NAMES))
    for kind in KINDS:
        for conditions, repeats in SIZES:
            random = np.random.default_rng(given.seed)
            condition, repeat = np.tile(np.arange(conditions), repeats), np.repeat(np.arange(repeats), conditions)
            ratios = []
            for mean in means(kind, given.cells, conditions, random):
                counts = random.poisson(mean[condition], (given.draws, len(condition))).astype(float)
                found = reliability(counts, condition, repeat)
                ratios.append([np.sqrt(np.mean(found[f"{name}_error"] ** 2)) / found[name].std() for name in NAMES])
            print(f"{kind}, {conditions} x {repeats}:", *np.round(np.median(ratios, axis=0), 2), flush=True)


if __name__ == "__main__":
    main()
