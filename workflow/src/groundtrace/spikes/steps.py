"""The table of spikes."""

from dataclasses import replace

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.indicators import kinetics
from groundtrace.notices import notice
from groundtrace.spikes.base import SpikeBackend, SpikeRates, relative_rates, unlike_others
from groundtrace.spikes.gaps import frames_missing, run_across_gaps
from groundtrace.spikes.kinetics import EXAMINED, half_decay, largest, ratio_to, size_in_spikes, widened
from groundtrace.spikes.preparation import refusal, withheld, without_rates
from groundtrace.spikes.silence import NoiseAlone, silent
from groundtrace.tables import list_column, single, stack


def infer_spikes(
    traces: pl.DataFrame,
    acquisition: Acquisition,
    backend: SpikeBackend,
    trace: str = "dff",
    frames: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Table Spikes from the table Traces; trace: its column that spikes are inferred from.

    frames: `time` and `segment` of the table Frames; None where nothing is missing between frames.
    """
    dff, rate = stack(traces[trace]), acquisition.frame_rate
    if refused := refusal(acquisition):
        notice("no_spikes", refused)
        return without_rates(traces, dff)
    missing = None
    if frames is not None:
        missing = frames_missing(frames["time"].to_numpy(), frames["segment"].to_numpy(), rate)
    indicator = kinetics(acquisition.indicator)
    backend = backend.knowing(acquisition.cell_class)
    found = run_across_gaps(backend, dff, rate, indicator, missing)
    if unsure := withheld(acquisition):
        notice("accuracy_unknown", unsure)
        found = replace(found, low=None, high=None, mean_rate=None, expected=None)
    level = traces["noise_level"].to_numpy()
    # The noise of denoised traces is not white.
    alone = NoiseAlone.of(backend, level, dff.shape[1], rate, indicator) if trace == "dff" and len(dff) else None
    measured = np.full(len(dff), np.nan)
    accepted = np.flatnonzero(traces["accepted"].to_numpy())
    some = accepted[:: max(1, -(-len(accepted) // EXAMINED))]
    measured[some] = half_decay(dff[some], rate)
    size = size_in_spikes(largest(dff[some], rate), indicator)
    expected = found.expected and widened(found.expected, ratio_to(measured, indicator), size)
    empty = np.zeros((len(dff), 0), np.float32)
    _tell(found, accepted, backend, acquisition)
    unknown = pl.Series([None] * len(dff), dtype=pl.Float32)
    return pl.DataFrame(
        {
            "roi": traces["roi"],
            "accepted": traces["accepted"],
            "rate": list_column(found.rate.astype(np.float32)),
            "rate_low": list_column(empty if found.low is None else found.low.astype(np.float32)),
            "rate_high": list_column(empty if found.high is None else found.high.astype(np.float32)),
            "mean_rate": single(mean_over_known(found.rate)) if len(dff) else unknown,
            "mean_rate_low": single(found.mean_rate.low) if found.mean_rate else unknown,
            "mean_rate_high": single(found.mean_rate.high) if found.mean_rate else unknown,
            "silent": pl.Series(silent(found, rate, level, alone), dtype=pl.Boolean),
            "noise_level": traces["noise_level"],
            "decay_time": single(found.decay_time),
            "explained_variance": single(found.explained_variance),
            "half_decay": single(measured),
            "expected_correlation": single(expected.value) if expected else unknown,
            "expected_correlation_low": single(expected.low) if expected else unknown,
            "expected_correlation_high": single(expected.high) if expected else unknown,
        }
    )


def _tell(found: SpikeRates, accepted: IntArray, backend: SpikeBackend, acquisition: Acquisition) -> None:
    """What a user should know of these rates."""
    indicator, count = kinetics(acquisition.indicator), len(found.rate)
    unusable = int(np.isnan(found.rate).all(axis=1).sum()) if found.rate.size else 0
    if unusable:
        notice(
            "no_usable_dff",
            f"{unusable} of {count} ROIs have no usable dF/F and no rate; leave them out, or look at their light",
        )
    if found.unlike is not None and (said := unlike_others(found.unlike[accepted])):
        notice("unlike_others", said)
    if backend.unit(indicator) != "Hz":
        notice("relative_rates", relative_rates(type(backend).__name__.lower(), acquisition.indicator))


def mean_over_known(rates: FloatArray) -> FloatArray:
    """Mean of each row over its finite values; NaN where there are none."""
    known = np.isfinite(rates)
    with np.errstate(invalid="ignore"):
        return np.where(known, rates, 0).sum(axis=1) / known.sum(axis=1)
