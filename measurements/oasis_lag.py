"""How late OASIS's events are behind the spikes, per indicator, and what its scaling to Hz is worth.

    python measurements/oasis_lag.py <folder with recordings.parquet, traces.parquet, spikes.parquet>

Every excitatory or unlabelled neuron's first recording is averaged into bins of 1/30 s (or its own frames when
slower), brought to ν = 2 by added noise, and deconvolved without lag correction. Prints medians over neurons: the lag
that maximises the correlation with the spikes (both smoothed with σ = 25 ms), r without and with that lag removed,
and the count ratio Σ inferred / Σ true. The lags stand in resources/indicators.tsv.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter1d

from groundtrace.indicators import in_species, indicators
from groundtrace.spikes.oasis import deconvolve_trace
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE, noise_level

NOISE_LEVEL = 2.0


def resample(time: np.ndarray, dff: np.ndarray, spikes: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """dF/F and spike counts in bins of 1/rate on the recording's own time axis."""
    edges = np.arange(time[0], time[-1], 1 / rate)
    where = np.digitize(time, edges) - 1
    inside = (where >= 0) & (where < len(edges) - 1)
    count = np.bincount(where[inside], minlength=len(edges) - 1)
    total = np.bincount(where[inside], dff[inside], minlength=len(edges) - 1)
    binned = np.interp(np.arange(len(count)), np.flatnonzero(count), total[count > 0] / count[count > 0])
    return binned, np.histogram(spikes, edges)[0].astype(float)


def best_lag(rate_inferred: np.ndarray, spikes: np.ndarray, rate: float) -> tuple[float, float, float]:
    """Lag (s) of the largest correlation, refined by a parabola; correlation at zero and at that lag."""
    smooth = [gaussian_filter1d(trace, 0.025 * rate) for trace in (rate_inferred, spikes)]
    lags = np.arange(-int(0.1 * rate) - 1, int(0.3 * rate) + 2)
    r = np.array([np.corrcoef(np.roll(smooth[0], -lag), smooth[1])[0, 1] for lag in lags])
    k = int(np.clip(np.argmax(r), 1, len(r) - 2))
    curvature = r[k - 1] - 2 * r[k] + r[k + 1]
    shift = 0.5 * (r[k - 1] - r[k + 1]) / curvature if curvature < 0 else 0.0
    return (lags[k] + shift) / rate, r[list(lags).index(0)], r[k]


def main(folder: Path) -> None:
    key = ["dataset", "neuron", "recording"]
    chosen = pl.read_parquet(folder / "recordings.parquet").filter(
        pl.col("plausible")
        & pl.col("regular")
        & (pl.col("species") != "simulated")
        & (pl.col("frame_rate") > 5)
        & (pl.col("n_spikes") > 5)
        & pl.col("indicator").is_in(list(indicators()))
        & ~pl.col("dataset").str.contains("PV|SST|VIP|Interneurons|spinal")
    )
    chosen = chosen.sort(key).group_by("dataset", "neuron", maintain_order=True).first()
    rows = chosen.join(pl.read_parquet(folder / "traces.parquet"), on=key).join(
        pl.read_parquet(folder / "spikes.parquet"), on=key
    )
    generator = np.random.default_rng(0)
    found: dict[str, list[tuple[float, ...]]] = {}
    for row in rows.sort(key).iter_rows(named=True):
        rate = min(30.0, row["frame_rate"])
        time, dff = np.asarray(row["time_us"]) * 1e-6, np.asarray(row["dff"], float)
        good = np.isfinite(dff)
        dff, spikes = resample(time[good], dff[good], np.asarray(row["spike_time"]), rate)
        if spikes.sum() < 5:
            continue
        per_frame = GAUSSIAN_DIFFERENCE * 100 / np.sqrt(rate)
        missing = NOISE_LEVEL**2 - noise_level(dff[None], rate)[0] ** 2
        dff = dff + generator.normal(0, np.sqrt(max(missing, 0)) / per_frame, len(dff))
        indicator = indicators()[in_species(row["indicator"], row["species"])]
        if row["species"] != "mouse" and indicator.name == row["indicator"]:
            continue
        events = deconvolve_trace(dff, rate, indicator.decay_time)[0]
        lag, r_zero, r_best = best_lag(events, spikes, rate)
        found.setdefault(indicator.name, []).append(
            (lag * 1000, r_zero, r_best, events.sum() / indicator.amplitude / spikes.sum())
        )
    print("indicator   neurons  lag_ms   r(lag 0)  r(best lag)  count ratio")
    for name, values in found.items():
        lag, r_zero, r_best, ratio = np.nanmedian(values, axis=0)
        print(f"{name:11s} {len(values):7d}  {lag:6.0f}  {r_zero:9.2f}  {r_best:11.2f}  {ratio:11.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
