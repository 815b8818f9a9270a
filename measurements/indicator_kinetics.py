"""Response of each indicator to one isolated spike, measured on simultaneous imaging and electrophysiology.

    python measurements/indicator_kinetics.py <folder with recordings.parquet, traces.parquet, spikes.parquet>

Prints, per indicator, decay time, rise time and amplitude of the spike-triggered average of dF/F (median over
neurons), as they stand in resources/indicators.tsv. A spike is isolated when no other is within ISOLATION before
and AFTER after it. Rise time: from the spike to the peak. Decay time: of the exponential through the average
between 80 % and 25 % of the peak.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

ISOLATION, AFTER, BEFORE = 2.5, 1.2, 0.3
MIN_EVENTS = 3


def neuron_response(recordings: list[tuple[np.ndarray, np.ndarray, np.ndarray]], step: float) -> np.ndarray | None:
    """Spike-triggered average of one neuron on a grid of `step` s from -BEFORE to AFTER; None without enough events."""
    edges = np.arange(-BEFORE, AFTER + step, step)
    total, count, events = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1), 0
    for time, dff, spikes in recordings:
        gaps = np.diff(np.concatenate([[-np.inf], spikes, [np.inf]]))
        for spike in spikes[(gaps[:-1] > ISOLATION) & (gaps[1:] > AFTER)]:
            near = slice(*np.searchsorted(time, [spike - BEFORE, spike + AFTER]))
            lag, value = time[near] - spike, dff[near]
            if len(value) < 5 or not np.isfinite(value).all() or not (lag < 0).any():
                continue
            where = np.digitize(lag, edges) - 1
            keep = (where >= 0) & (where < len(total))
            np.add.at(total, where[keep], value[keep] - value[lag < 0].mean())
            np.add.at(count, where[keep], 1)
            events += 1
    if events < MIN_EVENTS or (count > 0).mean() < 0.8:
        return None
    return np.interp(np.arange(len(total)), np.flatnonzero(count), total[count > 0] / count[count > 0])


def kinetics(response: np.ndarray, step: float) -> tuple[float, float, float]:
    """Decay time (s), rise time (s) and peak of an average response."""
    time = np.arange(len(response)) * step - BEFORE + step / 2
    smooth = np.convolve(response, np.ones(3) / 3, mode="same")
    peak = int(np.argmax(np.where((time > 0) & (time < 0.6), smooth, -np.inf)))
    after = np.arange(peak, len(response))
    below = after[smooth[after] < 0.25 * smooth[peak]]
    stop = below[0] if len(below) else len(response)
    part = [i for i in range(peak, stop) if smooth[i] <= 0.8 * smooth[peak]]
    if len(part) >= 3:
        slope = np.polyfit(time[part], np.log(np.maximum(smooth[part], 1e-6)), 1)[0]
        decay = -1 / slope
    else:
        decay = (time[min(stop, len(time) - 1)] - time[peak]) / np.log(4)
    return decay, time[peak], smooth[peak]


def main(folder: Path) -> None:
    recordings = pl.read_parquet(folder / "recordings.parquet")
    traces = pl.read_parquet(folder / "traces.parquet")
    spikes = pl.read_parquet(folder / "spikes.parquet")
    key = ["dataset", "neuron", "recording"]
    usable = recordings.filter(pl.col("plausible") & (pl.col("frame_rate") > 5) & (pl.col("species") != "simulated"))
    rows = usable.join(traces, on=key).join(spikes, on=key)
    print("indicator      species    neurons  events>=3  decay_time  rise_time  amplitude")
    for (indicator, species), group in sorted(rows.group_by("indicator", "species")):
        step = max(0.02, 1 / group["frame_rate"].median())
        responses = []
        for _, neuron in group.group_by("dataset", "neuron", maintain_order=True):
            parts = [
                (np.asarray(r["time_us"]) * 1e-6, np.asarray(r["dff"]), np.asarray(r["spike_time"]))
                for r in neuron.iter_rows(named=True)
            ]
            response = neuron_response(parts, step)
            if response is not None:
                responses.append(response)
        if responses:
            decay, rise, amplitude = kinetics(np.median(responses, axis=0), step)
            neurons = group.select("dataset", "neuron").n_unique()
            print(
                f"{indicator:14s} {species:10s} {neurons:7d}  {len(responses):9d}  "
                f"{decay:10.3f}  {rise:9.3f}  {amplitude:9.3f}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
