"""How far imaging and electrode are out of step in the ground truth, and what that costs each method.

    PYTHONPATH=workflow/src:. python measurements/alignment.py results/ground_truth.parquet <weights of fair_cascade.py>

A recording's shift is estimated without a look at any score. Spikes with none near them (ALONE) are followed by a rise
of dF/F; the mean rise of a data set, moved by a shift for each recording, is fitted to the samples of all of them, and
found anew from the moved samples. Recordings with fewer than FEWEST such spikes, or whose rise is not clear, take the
shift of their data set: that of its mean rise against the median over data sets of the same indicator, species and
class, of which at least ENOUGH recordings have a clear rise. What all data sets of a kind share is the lag of the
indicator in those cells, and stays.

Then the rates of `network`, of the fair CASCADE and of `oasis`, each of data sets left out, at 30 Hz and ν = 2, are
scored against the truth as given and as moved, all by the same shifts; beside them the best shift for all recordings of
a data set, which looks at the score.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter1d

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import Condition, Neuron, draw, neurons
from groundtrace.groundtruth.recordings import Recording, Sampled, read_recordings
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.indicators import in_species
from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.comparing import correlation, smooth
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis

RATE, LEVEL = 30.0, 2.0
ALONE = (1.0, 0.25)
"""s before and after a spike without another one."""
STEP = 0.01
GRID = np.arange(-0.25, 0.25 + STEP / 2, STEP)
"""s from the spike, of a mean rise."""
SHIFTS = np.arange(-0.12, 0.1201, 0.005)
"""s that are tried."""
FEWEST, CLEAR = 8, 0.1
"""Spikes of a recording, and the share of the variance of their samples that its moved rise explains, to be moved by
itself."""
ENOUGH = 3
"""Recordings with a clear rise that a data set needs, to be moved as a whole."""
SLOWEST = 20.0
"""Hz; a slower recording tells no shift of milliseconds."""
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Rises:
    """dF/F around spikes of a recording with none near them."""

    lag: FloatArray
    """(n_samples,) s from the spike."""
    value: FloatArray
    """(n_samples,) above the mean of the samples before the spike."""
    spikes: int


def rises(recording: Recording) -> Rises:
    time, spikes = recording.time, recording.spike_time
    gaps = np.diff(np.concatenate([[-np.inf], spikes, [np.inf]]))
    lags, values = [], []
    for spike in spikes[(gaps[:-1] > ALONE[0]) & (gaps[1:] > ALONE[1])]:
        near = slice(*np.searchsorted(time, [spike + GRID[0] + SHIFTS[0], spike + GRID[-1]]))
        lag, value = time[near] - spike, recording.dff[near]
        if (lag < -0.1).sum() >= 2 and (lag > 0.1).sum() >= 2:
            lags.append(lag)
            values.append(value - value[lag < -0.1].mean())
    return Rises(np.concatenate([*lags, []]), np.concatenate([*values, []]), len(lags))


def mean_rise(parts: list[tuple[Rises, float]]) -> FloatArray:
    """(len(GRID),) mean of the samples, each recording moved by its shift, smoothed by one step; its peak is 1."""
    lag = np.concatenate([each.lag - shift for each, shift in parts])
    value = np.concatenate([each.value for each, _ in parts])
    at = np.rint((lag - GRID[0]) / STEP).astype(int)
    inside = (at >= 0) & (at < len(GRID))
    total, count = (np.bincount(at[inside], w, len(GRID)) for w in (value[inside], None))
    known = count > 0
    found = gaussian_filter1d(np.interp(GRID, GRID[known], total[known] / count[known]), 1.0)
    return found / found.max()


def fit(lag: FloatArray, value: FloatArray, rise: FloatArray) -> tuple[float, float]:
    """Shift, s, of a mean rise that fits samples best with an amplitude and an offset, and the variance explained."""
    inside = (lag > GRID[0] - SHIFTS[0]) & (lag < GRID[-1] + SHIFTS[0])
    y = value[inside] - value[inside].mean()
    explained = []
    for shift in SHIFTS:
        x = np.interp(lag[inside] - shift, GRID, rise)
        x = x - x.mean()
        explained.append(max(x @ y, 0.0) ** 2 / max(x @ x, 1e-12) / max(y @ y, 1e-12))
    best = int(np.argmax(explained))
    return float(SHIFTS[best]), float(explained[best])


def estimate(recordings: list[Recording]) -> pl.DataFrame:
    """One row per recording: its shift, s, and whether it is its own or that of its data set."""
    found = [(each, rises(each)) for each in recordings]
    rows, means, own = [], {}, {}
    for dataset in sorted({each.dataset for each in recordings}):
        parts = [(each, rise) for each, rise in found if each.dataset == dataset and each.frame_rate > SLOWEST]
        usable = [(each, rise) for each, rise in parts if rise.spikes >= FEWEST]
        if not usable:
            continue
        shifts = [0.0] * len(usable)
        for _ in range(3):
            mean = mean_rise([(rise, shift) for (_, rise), shift in zip(usable, shifts, strict=True)])
            fits = [fit(rise.lag, rise.value, mean) for _, rise in usable]
            # What all recordings share is of the data set.
            middle = float(np.median([shift for shift, clear in fits if clear >= CLEAR] or [0.0]))
            shifts = [shift - middle if clear >= CLEAR else 0.0 for shift, clear in fits]
        first = usable[0][0]
        if sum(clear >= CLEAR for _, clear in fits) >= ENOUGH:
            means[dataset] = f"{in_species(first.indicator, first.species)} {first.cell_class == 'excitatory'}", mean
        own |= {
            key_of(each): shift
            for (each, _), shift, (_, clear) in zip(usable, shifts, fits, strict=True)
            if clear >= CLEAR
        }
    offsets = against_others(means)
    for each in recordings:
        offset, by_itself = offsets.get(each.dataset, 0.0), own.get(key_of(each))
        told = {"dataset": each.dataset, "neuron": each.neuron, "recording": each.recording}
        rows.append(told | {"offset": offset, "own": by_itself, "shift": offset + (by_itself or 0.0)})
    return pl.DataFrame(rows, schema_overrides={"own": pl.Float64})


def against_others(means: dict[str, tuple[str, FloatArray]]) -> dict[str, float]:
    """Shift of each data set's mean rise against those of the same kind; their median is 0."""
    found: dict[str, float] = {}
    for kind in {kind for kind, _ in means.values()}:
        members = {name: mean for name, (own, mean) in means.items() if own == kind}
        shifts = dict.fromkeys(members, 0.0)
        for _ in range(3):
            moved = [np.interp(GRID + shifts[name], GRID, mean) for name, mean in members.items()]
            common = np.mean(moved, axis=0)
            shifts = {name: fit(GRID, mean, common)[0] for name, mean in members.items()}
            middle = np.median(list(shifts.values()))
            shifts = {name: shift - float(middle) for name, shift in shifts.items()}
        found |= shifts
    return found


def key_of(recording: Recording) -> Key:
    return recording.dataset, recording.neuron, recording.recording


def scores(
    neuron: Neuron, samples: list[Sampled], methods: dict[str, SpikeBackend], by: dict[Key, float]
) -> dict[str, Any]:
    """r of each method as given, as moved by `by` (s), and with every constant shift."""
    rates = {
        name: np.concatenate(
            [smooth(method.run(s.dff[None].astype(np.float32), RATE, neuron.indicator).rate[0], RATE) for s in samples]
        )
        for name, method in methods.items()
    }

    def truth(shift: dict[Key, float] | float) -> FloatArray:
        parts = []
        for s in samples:
            by = shift if isinstance(shift, float) else shift[key_of(s.recording)]
            parts.append(smooth(spike_counts(s.recording.spike_time + by, s.time, RATE) * RATE, RATE))
        return np.concatenate(parts)

    found = {name: correlation(rate, truth(0.0)) for name, rate in rates.items()}
    moved = truth(by)
    found |= {f"{name}_moved": correlation(rate, moved) for name, rate in rates.items()}
    constant = [truth(k) for k in CONSTANT]
    return found | {f"{name}_at": [correlation(rate, each) for each in constant] for name, rate in rates.items()}


CONSTANT = [k / 100 for k in range(-8, 9)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("weights", type=Path, help="of fair_cascade.py")
    given = parser.parse_args()
    parameters, condition = BenchmarkParameters(), Condition(RATE, LEVEL)
    # Simulated recordings need no alignment.
    all_recordings = [r for r in read_recordings(given.truth, plausible=True) if not r.dataset.startswith("X-")]
    shifts = estimate(all_recordings)
    by = {(row["dataset"], row["neuron"], row["recording"]): row["shift"] for row in shifts.iter_rows(named=True)}
    rows = []
    for neuron in neurons(all_recordings, parameters):
        samples, _ = draw(neuron, condition, parameters.seed)
        if not samples:
            continue
        network = Network().without(neuron.recordings[0].dataset)
        methods: dict[str, SpikeBackend] = {"network": network, "fair": Cascade(model=given.weights / network.weights)}
        if neuron.indicator is not None:
            methods["oasis"] = Oasis()
        about = {"dataset": neuron.recordings[0].dataset, "excitatory": neuron.cell_class == "excitatory"}
        rows.append(about | scores(neuron, samples, methods, by))
    report(shifts, pl.DataFrame(rows))


def report(shifts: pl.DataFrame, found: pl.DataFrame) -> None:
    names = ("network", "fair", "oasis")
    print("| data set | offset, ms | own shift in | its SD, ms | network | fair | oasis | best: network | best: fair |")
    rows = []
    for (dataset, excitatory), neuron_rows in sorted(found.group_by("dataset", "excitatory")):
        own = shifts.filter(pl.col("dataset") == dataset)
        known = own["own"].drop_nulls()
        spread = f"{1000 * known.std():.0f}" if len(known) > 1 else "–"
        row = {name: neuron_rows[name].median() for name in [*names, *(f"{name}_moved" for name in names)]}
        values = [f"{row[name] or np.nan:.3f} → {row[f'{name}_moved'] or np.nan:.3f}" for name in names]
        for name in names[:2]:
            r = np.nanmedian(np.array(neuron_rows[f"{name}_at"].to_list()), axis=0)
            values.append(f"{r.max():.3f} at {1000 * CONSTANT[int(r.argmax())]:+.0f} ms")
        rows.append({"dataset": dataset, "excitatory": excitatory} | row)
        start = f"| {dataset} | {1000 * own['offset'][0]:+.0f} | {len(known)} of {len(own)} | {spread} | "
        print(start + " | ".join(values) + " |")
    table = pl.DataFrame(rows).filter("excitatory")
    for name in names:
        gain = (table[f"{name}_moved"] - table[name]).drop_nulls()
        print(f"excitatory, {name}: median gain {gain.median():+.3f}, {gain.min():+.3f} to {gain.max():+.3f}")
    for end in ("", "_moved"):
        ahead = table[f"network{end}"] - table[f"fair{end}"]
        print(f"network − fair{end}: median {ahead.median():+.3f}, below by > .02 in {(ahead < -0.02).sum()}")


if __name__ == "__main__":
    main()
