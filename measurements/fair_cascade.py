"""CASCADE's network (Rupprecht et al. 2021), trained without the data sets that ours is trained without.

    PYTHONPATH=workflow/src:. python measurements/fair_cascade.py results/ground_truth.parquet weights \
        --level 2 --cascade <CASCADE model>

Trains a network for each of the six folds, on one thread, writes it to `weights` as a model folder of CASCADE, and
scores it beside `network` on the data sets left out, each neuron's first 300 s, as the benchmark does. What is there is
not trained again. First the network is compared with windows cut out one by one.

CASCADE's: three convolutions over a window of 64 frames, a squared error of spikes smoothed by 25 ms, a network for
each ν, five million windows of which none of n data sets gives more than 15 million / n, recordings of excitatory cells
that are quieter than ν, as often as noise added makes them new: 1.2 (ν / own ν)² times. Not CASCADE's: windows come in
stretches of 128, so that what they share is computed once; 4,096 instead of 1,024 in a batch; Adam with a falling rate
and one pass instead of Adagrad and ten, as it came further with the same windows (see docs/results.md); recordings
slower than 7 Hz are left out, resampling and noise are those of our benchmark; one member instead of five.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
import yaml
from scipy.fft import next_fast_len
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn
from torch.nn.functional import conv1d

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.benchmark.spikes import Condition, draw, measure, neurons
from groundtrace.groundtruth.recordings import read_recordings
from groundtrace.groundtruth.resampling import match_noise, resample, spike_counts
from groundtrace.indicators import resource
from groundtrace.random import stream
from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.network.model import load
from groundtrace.traces.noise import noise_level
from tests.unit.spikes.cascade_windows import network as window_by_window

RATE, SMOOTHING, WINDOW, BEFORE = 30.0, 0.025, 64, 32
SLOWEST = 7.0
STRETCH, BATCH = 128, 32
LEARNING_RATE = 3e-3
MOST, MOST_OF_ALL, MOST_TIMES = 5_000_000, 15_000_000, 500
LAYERS = {"conv1": (1, 30, 31), "conv2": (30, 40, 19), "conv3": (40, 50, 5), "dense1": (50, 10), "dense2": (20, 1)}
FOLDS = range(6)


@dataclass(frozen=True)
class Pool:
    """Stretches of the excitatory cells' recordings at one ν."""

    dff: Tensor
    """(n, STRETCH + WINDOW - 1)."""
    spikes: Tensor
    """(n, STRETCH) smoothed, per frame; NaN beyond the recording."""
    dataset: np.ndarray
    """(n,) names."""


def new_network() -> nn.ModuleDict:
    return nn.ModuleDict({k: (nn.Conv1d if k[0] == "c" else nn.Linear)(*shape) for k, shape in LAYERS.items()})


def forward(dff: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Spikes per frame (b, w) of each window of `dff` (b, w + 63): pooling by two becomes dilation by two."""
    x = conv1d(dff[:, None], state["conv1.weight"], state["conv1.bias"]).relu()
    x = _pooled(_correlated(x, state["conv2.weight"]) + state["conv2.bias"][:, None], 1).relu()
    x = _pooled(conv1d(x, state["conv3.weight"], state["conv3.bias"], dilation=2), 2).relu()
    x = conv1d(x, state["dense1.weight"][..., None], state["dense1.bias"]).relu()
    head = state["dense2.weight"].reshape(1, -1, x.shape[1]).transpose(1, 2)
    return conv1d(x, head, state["dense2.bias"], dilation=4)[:, 0]


def _pooled(x: Tensor, step: int) -> Tensor:
    """The larger of two frames `step` apart; the slope of `torch.maximum` takes longer."""
    first, second = x[..., :-step], x[..., step:]
    return first + (second - first).relu()


def _correlated(x: Tensor, kernel: Tensor) -> Tensor:
    """`conv1d` by spectra: half of all time goes into this layer of 30 × 40 kernels of 19 frames."""
    length = next_fast_len(x.shape[-1], real=True)
    spectra = torch.fft.rfft(x, length).permute(2, 1, 0), torch.fft.rfft(kernel, length).conj().permute(2, 0, 1)
    found = torch.fft.irfft(torch.matmul(spectra[1], spectra[0]).permute(2, 1, 0), length)
    return found[..., : x.shape[-1] - kernel.shape[-1] + 1]


def compare(state: dict[str, Tensor]) -> float:
    """Largest difference from windows cut out one by one, over the largest value."""
    dff = torch.randn(2, 563, generator=torch.Generator().manual_seed(0)) * 0.2
    cut = torch.stack([window_by_window(row.unfold(0, WINDOW, 1), state) for row in dff])
    return float((forward(dff, state) - cut).abs().max() / cut.abs().max())


def times(dff: FloatArray, level: float) -> int:
    """How often noise up to ν = `level` makes a trace new."""
    own = max(float(noise_level(dff[None], RATE)[0]), 1e-6)
    return 0 if own > level or len(dff) <= WINDOW else int(min(MOST_TIMES, np.ceil(1.2 * (level / own) ** 2)))


def stretches(
    spike_time: FloatArray, grid: FloatArray, dff: FloatArray, level: float, share: float, random: np.random.Generator
) -> Iterator[FloatArray]:
    """(k, 2 STRETCH + WINDOW - 1): dF/F and spikes of a share of all stretches, each time with other noise."""
    count = -(-(len(grid) - WINDOW + 1) // STRETCH)
    beyond = count * STRETCH + WINDOW - 1 - len(grid)
    spikes = gaussian_filter1d(spike_counts(spike_time, grid, RATE), SMOOTHING * RATE)
    target = np.pad(spikes, (0, beyond), constant_values=np.nan)[BEFORE:][: count * STRETCH].reshape(count, STRETCH)
    # Of the windows whose frames go on beyond the end.
    target.reshape(-1)[len(grid) - WINDOW + 1 :] = np.nan
    for _ in range(times(dff, level)):
        chosen = random.random(count) < share
        noisy = match_noise(dff, RATE, level, random) if chosen.any() else None
        if noisy is not None:
            cut = np.lib.stride_tricks.sliding_window_view(np.pad(noisy, (0, beyond)), STRETCH + WINDOW - 1)[::STRETCH]
            yield np.hstack([cut[chosen], target[chosen]]).astype(np.float32)


def make_pool(truth: Path, level: float, member: int) -> Pool:
    by_dataset: dict[str, list[tuple[FloatArray, FloatArray, FloatArray]]] = {}
    for recording in read_recordings(truth, plausible=True):
        name = recording.dataset
        if recording.cell_class == "excitatory" and recording.frame_rate > SLOWEST and not name.startswith("X-"):
            resampled = resample(recording.time, recording.dff, RATE)
            by_dataset.setdefault(name, []).append((recording.spike_time, *resampled))
    parts, names = [], []
    for name, recordings in by_dataset.items():
        random = stream(member, "fair", name, level)
        there = sum(max(len(dff) - WINDOW + 1, 0) * times(dff, level) for *_, dff in recordings)
        share = MOST_OF_ALL / len(by_dataset) / max(there, 1)
        found = [part for each in recordings for part in stretches(*each, level, share, random)]
        parts += found
        names += [name] * sum(map(len, found))
    rows = torch.from_numpy(np.concatenate(parts))
    return Pool(rows[:, : STRETCH + WINDOW - 1], rows[:, STRETCH + WINDOW - 1 :], np.array(names))


def train(pool: Pool, left_out: tuple[str, ...], windows: int, member: int) -> dict[str, Tensor]:
    """The network without the data sets left out, after so many windows, in passes over at most MOST of them."""
    torch.manual_seed(member)
    random = np.random.default_rng(member)
    kept = random.permutation(np.flatnonzero(~np.isin(pool.dataset, left_out)))[: MOST // STRETCH]
    network = new_network()
    steps = windows // (BATCH * STRETCH)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = np.concatenate([random.permutation(kept) for _ in range(-(-windows // (len(kept) * STRETCH)))])
    losses, began = [], time.process_time()
    for step in range(steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        wanted = pool.spikes[rows]
        known = ~wanted.isnan()
        loss = (forward(pool.dff[rows], dict(network.named_parameters())) - wanted)[known].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if (step + 1) % 200 == 0 or step + 1 == steps:
            spent = time.process_time() - began
            print(f"  step {step + 1} of {steps}: {np.mean(losses[-200:]):.5f}, {spent:.0f} CPU s", flush=True)
    return network.state_dict()


def write(folder: Path, state: dict[str, Tensor], level: int, member: int, trained_on: list[str]) -> None:
    """A member of a model folder as CASCADE has them."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / f"Model_NoiseLevel_{level}_Ensemble_{member}.pth")
    config = {
        "sampling_rate": RATE,
        "windowsize": WINDOW,
        "before_frac": BEFORE / WINDOW,
        "filter_sizes": [LAYERS[f"conv{k}"][2] for k in (1, 2, 3)],
        "filter_numbers": [LAYERS[f"conv{k}"][1] for k in (1, 2, 3)],
        "dense_expansion": LAYERS["dense1"][1],
        "ensemble_size": len(list(folder.glob(f"Model_NoiseLevel_{level}_*.pth"))),
        "training_datasets": trained_on,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def score(truth: Path, weights: Path, level: int, shipped: Path | None) -> pl.DataFrame:
    """Correlation and counts of each neuron of a data set left out, of each method."""
    rows, parameters = [], BenchmarkParameters()
    condition = Condition(RATE, float(level))
    for fold in FOLDS:
        left_out = load(resource(f"models/network/without-{fold}.safetensors")).left_out
        methods: dict[str, SpikeBackend] = {
            "network": Network(weights=f"without-{fold}"),
            "fair": Cascade(model=weights / f"without-{fold}"),
        }
        if shipped:
            methods["shipped"] = Cascade(model=shipped)
        for neuron in neurons(read_recordings(truth, plausible=True, datasets=left_out), parameters):
            samples, _ = draw(neuron, condition, parameters.seed)
            about = {"dataset": neuron.recordings[0].dataset, "indicator": neuron.recordings[0].indicator}
            about |= {"neuron": neuron.recordings[0].neuron, "excitatory": neuron.cell_class == "excitatory"}
            for name, backend in methods.items() if samples else ():
                rates = [backend.run(each.dff[None].astype(np.float32), RATE, neuron.indicator) for each in samples]
                found = measure(samples, rates, condition, rate_in_hz=True)
                values = {key: found.get(key) for key in ("correlation", "correlation_as_given", "count_ratio")}
                rows.append(about | {"method": name} | values)
        print(f"  fold {fold} scored", flush=True)
    return pl.DataFrame(rows)


def report(scores: pl.DataFrame) -> None:
    """Medians over neurons of each data set, and over data sets; of CASCADE the better of both ways to smooth."""
    medians = scores.group_by("dataset", "excitatory", "method").agg(pl.col("^correlation.*$", "count_ratio").median())
    better = pl.max_horizontal("correlation", "correlation_as_given")
    r = pl.when(pl.col("method") == "network").then("correlation").otherwise(better)
    table = medians.with_columns(r=r).pivot("method", index=["dataset", "excitatory"], values=["r", "count_ratio"])
    table = table.with_columns(ahead=pl.col("r_network") - pl.col("r_fair")).sort(
        "excitatory", "dataset", descending=[True, False]
    )
    columns = [name for name in table.columns if name not in ("dataset", "excitatory")]
    print(f"| data set | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for row in table.iter_rows(named=True):
        print(f"| {row['dataset']} | " + " | ".join(f"{row[name] or np.nan:.3f}" for name in columns) + " |")
    for name, part in table.group_by("excitatory"):
        ahead = part["ahead"].drop_nulls()
        print(
            f"excitatory {name[0]}: "
            + ", ".join(f"{each} {part[each].median():.3f}" for each in columns)
            + f"; ahead in {(ahead > 0).sum()} of {len(ahead)}, behind by more than .02 in {(ahead < -0.02).sum()}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("weights", type=Path, help="folder of the networks, made where they are not there")
    parser.add_argument("--level", type=int, default=2, help="ν, %% Hz^-1/2")
    parser.add_argument("--windows", type=int, default=MOST, help="that each network learns from")
    parser.add_argument("--member", type=int, default=0)
    parser.add_argument("--cascade", type=Path, help="folder of a CASCADE model, to score beside them")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"against windows cut out one by one: {compare(new_network().state_dict()):.1e}")
    pool = None
    for fold in FOLDS:
        folder = given.weights / f"without-{fold}"
        if not (folder / f"Model_NoiseLevel_{given.level}_Ensemble_{given.member}.pth").exists():
            pool = pool or make_pool(given.truth, float(given.level), given.member)
            left_out = load(resource(f"models/network/without-{fold}.safetensors")).left_out
            print(f"fold {fold}", flush=True)
            state = train(pool, left_out, given.windows, given.member)
            write(folder, state, given.level, given.member, sorted(set(pool.dataset.tolist()) - set(left_out)))
    scores = score(given.truth, given.weights, given.level, given.cascade)
    scores.write_parquet(given.weights / f"scores-{given.level}.parquet")
    report(scores)


if __name__ == "__main__":
    main()
