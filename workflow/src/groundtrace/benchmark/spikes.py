"""Scores spike inference on ground truth: every backend gets the same traces, and none the data set it learnt from."""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, product
from typing import Any

import numpy as np
import polars as pl

from groundtrace.acquisition import CellClass
from groundtrace.arrays import FloatArray
from groundtrace.benchmark import metrics
from groundtrace.benchmark.parameters import CONTROLS, BenchmarkParameters
from groundtrace.benchmark.tables import SpikeBenchmark
from groundtrace.errors import BackendError, InputError
from groundtrace.groundtruth.recordings import Recording, Sampled, sample
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.indicators import Indicator, in_species, indicators
from groundtrace.random import stream
from groundtrace.spikes import comparing
from groundtrace.spikes.base import SpikeBackend, SpikeRates
from groundtrace.spikes.discrete import spike_times
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

TYPES = SpikeBenchmark.types()
TIMING = {name: type_ for name, type_ in TYPES.items() if name not in ("metric", "value")} | {
    "frames": pl.Int64,
    "seconds": pl.Float64,
}


@dataclass(frozen=True)
class Condition:
    """What the traces are made like, and what a backend is told."""

    frame_rate: float
    """Hz."""
    noise_level: float
    """ν, % Hz^-1/2; not used when `snr` is given."""
    snr: float | None = None
    """Peak dF/F of one spike of the indicator over the noise's standard deviation per frame."""
    lookahead: int | None = None
    """Frames; None is all of the recording."""
    told: bool = True
    """Whether the backend is told the indicator."""
    spike_times: bool = False
    """Whether discrete spikes are compared too."""

    def level(self, indicator: Indicator | None) -> float:
        """ν of the traces, % Hz^-1/2."""
        if self.snr is None:
            return self.noise_level
        amplitude = (indicator or typical_indicator()).amplitude
        return float(100 * GAUSSIAN_DIFFERENCE * amplitude / self.snr / np.sqrt(self.frame_rate))


@dataclass(frozen=True)
class Neuron:
    """All recordings of one neuron that are used, and the one whose spikes stand in for its own as a control."""

    recordings: list[Recording]
    other: list[Recording]

    @property
    def cell_class(self) -> CellClass | None:
        """None for one that nobody knows."""
        told = self.recordings[0].cell_class
        return None if not told else "excitatory" if told == "excitatory" else "interneuron"

    @property
    def indicator(self) -> Indicator | None:
        """With the species where its kinetics there are known; None for one that nobody has measured."""
        return indicators().get(in_species(self.recordings[0].indicator, self.recordings[0].species))


Predict = Callable[[list[Sampled], Neuron, Condition], list[SpikeRates]]


@dataclass(frozen=True)
class Result:
    """Rows of the table SpikeBenchmark, and the time they took."""

    rows: pl.DataFrame
    timing: pl.DataFrame
    """One row per neuron and condition: CPU seconds of the inference alone, and its frames."""


def typical_indicator() -> Indicator:
    """The median of all known ones in mice, for methods that need an indicator where none is known."""
    known = [each for each in indicators().values() if " in " not in each.name]
    names = [name for name in Indicator.model_fields if name != "name"]
    median = {name: float(np.median([getattr(indicator, name) for indicator in known])) for name in names}
    return Indicator.model_validate(median | {"name": "unknown"})


def conditions(parameters: BenchmarkParameters, name: str, backend: SpikeBackend | None) -> list[Condition]:
    """A star of sweeps through one point, the leaderboard's; None stands for the controls."""
    centre = Condition(parameters.frame_rate, parameters.noise_level)
    found = [replace(centre, spike_times=True)]
    if backend is not None:
        found.append(replace(centre, told=False))
    if name in parameters.no_sweeps:
        return found
    found += [replace(centre, noise_level=level) for level in parameters.noise_levels if level != centre.noise_level]
    found += [replace(centre, frame_rate=rate) for rate in parameters.frame_rates if rate != centre.frame_rate]
    found += [replace(centre, snr=snr) for snr in parameters.snrs]
    if backend is not None and "lookahead" in type(backend).model_fields:
        found += [replace(centre, lookahead=frames) for frames in parameters.lookaheads]
    return found


def neurons(recordings: Iterable[Recording], parameters: BenchmarkParameters) -> Iterator[Neuron]:
    """The neurons to score, sorted by data set and name; the next one in the data set stands in as control."""
    by_dataset: dict[str, dict[str, list[Recording]]] = {}
    for recording in sorted(recordings, key=lambda r: (r.dataset, r.neuron, r.recording)):
        by_dataset.setdefault(recording.dataset, {}).setdefault(recording.neuron, []).append(recording)
    for dataset, members in by_dataset.items():
        names = list(members)
        order = stream(parameters.seed, "neurons", dataset).permutation(len(names))[: parameters.neurons_per_dataset]
        used = [_first_seconds(members[names[k]], parameters.max_seconds) for k in sorted(order)]
        others = used[1:] + used[:1]
        yield from (Neuron(own, other) for own, other in zip(used, others, strict=True))


def _first_seconds(recordings: list[Recording], limit: float | None) -> list[Recording]:
    """First recordings, as many as `limit` (s) allows; the last one is cut."""
    kept, left = [], np.inf if limit is None else limit
    for recording in recordings:
        frames = int(np.searchsorted(recording.time, recording.time[0] + left, side="right"))
        if frames > 2:
            kept.append(replace(recording, time=recording.time[:frames], dff=recording.dff[:frames]))
        left -= frames / recording.frame_rate
        if left <= 0:
            break
    return kept


def score(
    recordings: Iterable[Recording], name: str, backend: SpikeBackend | None, parameters: BenchmarkParameters
) -> Result:
    """Score one backend, or the controls (None), on `recordings`; a result does not depend on what else is scored."""
    rows: list[dict[str, Any]] = []
    timing: list[dict[str, Any]] = []
    wanted = conditions(parameters, name, backend)
    for dataset, members in groupby(neurons(recordings, parameters), lambda neuron: neuron.recordings[0].dataset):
        methods, seen = predictors(name, backend, dataset, parameters)
        for neuron, condition in product(members, wanted):
            samples, counted = draw(neuron, condition, parameters.seed)
            row = describe(neuron, condition)
            if backend is None:
                rows += [row | {"backend": "oracle", "metric": key, "value": value} for key, value in counted.items()]
            for method, predict in methods.items():
                own = row | {"backend": method, "in_sample": seen}
                began = time.process_time()
                try:
                    rates = predict(samples, neuron, condition)
                except InputError as error:
                    # A model made for one frame rate, say. At the leaderboard's point it is a fault of the config.
                    if condition == wanted[0]:
                        raise
                    warnings.warn(f"{method} leaves out {condition}: {error}", stacklevel=2)
                    continue
                seconds = time.process_time() - began
                if samples and backend is not None:
                    timing.append(own | {"frames": sum(len(s.dff) for s in samples), "seconds": seconds})
                values = measure(samples, rates, condition, rate_in_hz=method != "dff")
                rows += [own | {"metric": key, "value": value} for key, value in values.items()]
    return Result(to_table(rows), arrange(pl.DataFrame(timing, schema=TIMING)))


def predictors(
    name: str, backend: SpikeBackend | None, dataset: str, parameters: BenchmarkParameters
) -> tuple[dict[str, Predict], bool]:
    """What to run on the neurons of `dataset`, and whether it has learnt from them."""
    if backend is None:
        return {control: partial(predict_control, control) for control in CONTROLS}, False
    learnt = backend.without(dataset)
    # Imports and the loading of a model are no part of the time per neuron.
    noise = stream(parameters.seed, "warm").standard_normal((1, 300)).astype(np.float32)
    learnt.run(noise, parameters.frame_rate, typical_indicator())
    return {name: partial(infer, learnt)}, dataset in learnt.trained_on


def describe(neuron: Neuron, condition: Condition) -> dict[str, Any]:
    """The columns that say what was scored, but for the backend."""
    first = neuron.recordings[0]
    return {
        "dataset": first.dataset,
        "neuron": first.neuron,
        "indicator": first.indicator,
        "cell_class": first.cell_class,
        "in_sample": False,
        "noise_level": condition.level(neuron.indicator),
        "snr": condition.snr,
        "frame_rate": condition.frame_rate,
        "lookahead": condition.lookahead,
        "indicator_told": condition.told,
    }


def draw(neuron: Neuron, condition: Condition, seed: int) -> tuple[list[Sampled], dict[str, float]]:
    """The recordings of a neuron as `condition` wants them, and how many of them it has or has not.

    Left out are recordings slower than half the wanted frame rate and those noisier than wanted. The noise depends on
    nothing but the recording and what is wanted of it.
    """
    rate, level = condition.frame_rate, condition.level(neuron.indicator)
    samples, slow, noisy = [], 0, 0
    for recording in neuron.recordings:
        if recording.frame_rate < rate / 2:
            slow += 1
            continue
        random = stream(seed, recording.dataset, recording.neuron, recording.recording, rate, level)
        found = sample(recording, rate, level, random)
        if found is None:
            noisy += 1
        else:
            samples.append(found)
    counted = {
        "recordings": len(samples),
        "recordings_too_slow": slow,
        "recordings_too_noisy": noisy,
        "spikes": sum(s.spikes.sum() for s in samples),
        "duration": sum(len(s.time) for s in samples) / rate,
    }
    return samples, {key: float(value) for key, value in counted.items()}


def infer(backend: SpikeBackend, samples: list[Sampled], neuron: Neuron, condition: Condition) -> list[SpikeRates]:
    """Rates of each recording, by itself."""
    if condition.lookahead is not None:
        backend = backend.model_copy(update={"lookahead": condition.lookahead})
    told = neuron.indicator if condition.told else None
    if condition.told:
        backend = backend.knowing(neuron.cell_class)
    return [_run(backend, s.dff[None].astype(np.float32), s.frame_rate, told) for s in samples]


def _run(backend: SpikeBackend, dff: FloatArray, frame_rate: float, told: Indicator | None) -> SpikeRates:
    """Rates of one trace; NaN, and a warning, where the backend fails on it."""
    try:
        try:
            return backend.run_with_counts(dff, frame_rate, told)
        except InputError:
            if told is not None:
                raise
            # Some methods need to be told one.
            return backend.run_with_counts(dff, frame_rate, typical_indicator())
    except BackendError as error:
        warnings.warn(str(error), stacklevel=2)
        return SpikeRates(np.full(dff.shape, np.nan), np.full(1, np.nan), np.full(1, np.nan))


def predict_control(control: str, samples: list[Sampled], neuron: Neuron, _: Condition) -> list[SpikeRates]:
    """Do-nothing predictions: floor and ceiling of every metric."""
    rate_of: dict[str, Callable[[Sampled], FloatArray]] = {
        "dff": lambda s: np.maximum(s.dff, 0),
        "shuffled": lambda s: _shuffled(s, neuron),
        "zero": lambda s: np.zeros_like(s.spikes),
        "oracle": lambda s: comparing.smooth(s.spikes * s.frame_rate, s.frame_rate),
    }
    unknown = np.full(1, np.nan)
    return [SpikeRates(rate_of[control](s)[None], unknown, unknown) for s in samples]


def _shuffled(sampled: Sampled, neuron: Neuron) -> FloatArray:
    """The true rate of the control neuron, repeated to length; a neuron alone in its data set is moved by half."""
    rate, frames = sampled.frame_rate, len(sampled.time)
    if neuron.other[0].neuron == neuron.recordings[0].neuron:
        return np.roll(sampled.spikes, frames // 2) * rate
    parts = []
    for other in neuron.other:
        grid = np.arange(other.time[0], other.time[-1], 1 / rate)
        parts.append(spike_counts(other.spike_time, grid, rate))
    return np.resize(np.concatenate(parts), frames) * rate


def measure(
    samples: list[Sampled], rates: list[SpikeRates], condition: Condition, rate_in_hz: bool
) -> dict[str, float]:
    """All metrics of one neuron, its recordings end to end; those that are not defined are left out.

    Frames for which a backend gives no rate (NaN) are left out and counted (`share_without_rate`).
    """
    if not samples:
        return {}
    known = [np.isfinite(found.rate[0]) for found in rates]
    given = [np.where(k, found.rate[0], 0).astype(np.float64) for k, found in zip(known, rates, strict=True)]
    true = [np.where(k, s.spikes * s.frame_rate, 0) for k, s in zip(known, samples, strict=True)]
    used = np.concatenate(known)
    raw, spikes = np.concatenate(given)[used], np.concatenate(true)[used]
    p, g = (
        np.concatenate([comparing.smooth(trace, condition.frame_rate) for trace in traces])[used]
        for traces in (given, true)
    )
    values = {"share_without_rate": float(1 - used.mean())}
    if used.any():
        values["correlation"] = comparing.correlation(p, g)
        values["correlation_as_given"] = comparing.correlation(raw, g)
        if rate_in_hz:
            values["error"], values["bias"] = metrics.error(p, g), metrics.bias(p, g)
            values["count_ratio"] = metrics.count_ratio(raw, spikes)
    values |= _spikefinder(samples, given) | _intervals(samples, rates)
    if condition.spike_times and rate_in_hz:
        values |= _distances(samples, given)
    return {key: value for key, value in values.items() if np.isfinite(value)}


def _spikefinder(samples: Sequence[Sampled], given: Sequence[FloatArray]) -> dict[str, float]:
    if samples[0].frame_rate < 1 / metrics.SPIKEFINDER_BIN:
        return {}
    binned = [
        metrics.spikefinder_bins(rate, s.time, s.frame_rate, s.recording.spike_time)
        for rate, s in zip(given, samples, strict=True)
    ]
    predicted, true = (np.concatenate(part) for part in zip(*binned, strict=True))
    return {"spikefinder": comparing.correlation(predicted, true)}


def _intervals(samples: list[Sampled], rates: list[SpikeRates]) -> dict[str, float]:
    """How the counts of 1 s windows agree with the distribution of a backend: coverage, width, scores; lower is better.

    `crps_poisson` is the score of a Poisson distribution at the predicted rate, `crps_climatology` that of the counts
    of the neuron's other windows.
    """
    found, spikes = [], []
    for s, each in zip(samples, rates, strict=True):
        if each.counts is not None:
            frames, counts = comparing.count_windows(s.time, s.frame_rate, s.recording.spike_time)
            inside = np.isfinite(each.counts.centre[0][frames])
            expected = comparing.mean_over_window(each.rate[0], s.frame_rate)[frames[inside]]
            found.append((each.counts[0, frames[inside]], counts[inside], expected))
            spikes.append(counts[inside])
    if not spikes or not sum(map(len, spikes)):
        return {}
    climate = np.concatenate(spikes)
    each_window: dict[str, list[FloatArray]] = {}
    for made, counts, expected in found:
        for name, values in metrics.count_scores(made, counts, expected, climate).items():
            each_window.setdefault(name, []).append(values)
    return {name: float(np.concatenate(parts).mean()) for name, parts in each_window.items()}


def _distances(samples: Sequence[Sampled], given: Sequence[FloatArray]) -> dict[str, float]:
    """Spike-time distances over the spikes of both trains."""
    purpura = rossum = spikes = 0.0
    for s, rate in zip(samples, given, strict=True):
        start, stop = s.time[0] - 0.5 / s.frame_rate, s.time[-1] + 0.5 / s.frame_rate
        true = s.recording.spike_time[(s.recording.spike_time >= start) & (s.recording.spike_time < stop)]
        found = s.time[0] + spike_times(rate, s.frame_rate)
        distances = metrics.spike_distances(found, true, start, stop)
        purpura, rossum = purpura + distances[0], rossum + distances[1]
        spikes += len(true) + len(found)
    return {"victor_purpura": purpura / spikes, "van_rossum": rossum / spikes} if spikes else {}


def to_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows in the order and types of the table SpikeBenchmark, sorted by its key."""
    return arrange(pl.DataFrame(rows, schema=TYPES))


def arrange(table: pl.DataFrame) -> pl.DataFrame:
    """Sorted by everything but the value: the same bytes, whichever job made a row."""
    return table.sort([name for name in table.columns if name not in ("value", "seconds")], nulls_last=True)
