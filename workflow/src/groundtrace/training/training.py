"""Training: the same steps, batches and weights for the same seed."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from groundtrace.arrays import FloatArray
from groundtrace.spikes.comparing import smoothing
from groundtrace.spikes.network.model import Checkpoint, Shape, SpikeNetwork
from groundtrace.training.examples import Examples
from groundtrace.training.parameters import INTERNEURONS, TrainingParameters

MARGIN = 64
"""Frames at each cut of a stretch that the loss leaves out: they lack their surroundings."""
LEAST_RATE = 0.05
"""Hz; quieter neurons weigh no more than this."""


class Batches:
    """Random stretches of the examples; every data set counts as the square root of its neurons."""

    def __init__(self, examples: Examples, left_out: set[str], parameters: TrainingParameters):
        self.examples, self.parameters = examples, parameters
        lengths = np.diff(examples.start)
        self.used = np.array([k for k, name in enumerate(examples.dataset) if name not in left_out])
        frames: dict[tuple[str, str, bool], int] = {}
        spikes, seconds = dict[tuple[str, str], float](), dict[tuple[str, str], float]()
        neurons: dict[str, set[str]] = {}
        spans = list(pairwise(examples.start.tolist()))
        for k in self.used:
            dataset, neuron = examples.dataset[k], examples.neuron[k]
            key = dataset, neuron, examples.synthetic[k]
            frames[key] = frames.get(key, 0) + int(lengths[k])
            neurons.setdefault(dataset, set()).add(neuron)
            total = examples.spikes[slice(*spans[k])].sum(dtype=np.float64)
            spikes[key[:2]] = spikes.get(key[:2], 0) + total
            seconds[key[:2]] = seconds.get(key[:2], 0) + float(lengths[k] / examples.frame_rate[k])
        weights = []
        for k in self.used:
            dataset, neuron, synthetic = examples.dataset[k], examples.neuron[k], examples.synthetic[k]
            weight = parameters.synthetic_weight if synthetic else 1.0
            if any(name in dataset for name in INTERNEURONS):
                weight *= parameters.interneuron_weight
            share = lengths[k] / frames[dataset, neuron, synthetic]
            weights.append(weight * share / math.sqrt(len(neurons[dataset])))
        self.chance = np.cumsum(weights) / np.sum(weights)
        self.rate = {key: max(spikes[key] / seconds[key], LEAST_RATE) for key in spikes}

    def draw(self, generator: np.random.Generator) -> list[Tensor]:
        """channels (b, c, w), spikes (b, w), context (b, k), counted (b, w), frame_rate (b,), rate (b,)."""
        size, window, e = self.parameters.batch, self.parameters.window, self.examples
        channels = np.zeros((size, len(e.channels), window), np.float32)
        spikes, counted = np.zeros((2, size, window), np.float32)
        picked = self.used[np.searchsorted(self.chance, generator.random(size))]
        for b, k in enumerate(picked):
            first, last = int(e.start[k]), int(e.start[k + 1])
            start, low, high = self._stretch(first, last, generator)
            channels[b, :, low - start : high - start] = e.channels[:, low:high]
            spikes[b, low - start : high - start] = e.spikes[low:high]
            begin = low - start + (MARGIN if low > first else 0)
            counted[b, begin : high - start - (MARGIN if high < last else 0)] = 1
        rate = [self.rate[e.dataset[k], e.neuron[k]] for k in picked]
        arrays = (channels, spikes, e.context[picked], counted, e.frame_rate[picked], rate)
        return [torch.from_numpy(np.asarray(array, np.float32)) for array in arrays]

    def _stretch(self, first: int, last: int, generator: np.random.Generator) -> tuple[int, int, int]:
        """Start of a window, and the part of it inside the recording; a second try when it holds no spike."""
        window = self.parameters.window
        best = None
        for _ in range(2):
            start = int(generator.integers(first - window // 4, max(last - window * 3 // 4, first + 1)))
            low, high = max(start, first), min(start + window, last)
            if high - low < 32:
                continue
            best = (start, low, high)
            if self.examples.spikes[low:high].any():
                break
        return best or (first, first, min(first + window, last))


def train(
    examples: Examples,
    left_out: set[str],
    parameters: TrainingParameters,
    seed: int,
    causal: bool,
    progress: Callable[[int, FloatArray], None] | None = None,
) -> SpikeNetwork:
    """A network trained on all examples but those of the data sets `left_out`; the average of its last weights."""
    torch.manual_seed(seed)
    generator = np.random.default_rng([parameters.seed, seed])
    batches = Batches(examples, left_out, parameters)
    network = SpikeNetwork(Shape(len(examples.channels), examples.context.shape[1], causal))
    context = examples.context[batches.used]
    network.center.copy_(torch.from_numpy(context.mean(axis=0)))
    network.scale.copy_(torch.from_numpy(context.std(axis=0) + 1e-2))
    optimizer = torch.optim.AdamW(network.parameters(), lr=parameters.learning_rate, weight_decay=1e-2)
    average = {name: value.clone() for name, value in network.state_dict().items()}
    losses = []
    for step in range(parameters.steps):
        cosine = 0.5 * (1 + math.cos(math.pi * step / parameters.steps)) + 0.01
        for group in optimizer.param_groups:
            group["lr"] = parameters.learning_rate * min(1.0, (step + 1) / 100) * cosine
        channels, spikes, described, counted, frame_rate, rate = batches.draw(generator)
        squared, likelihood = loss(network(channels, described), spikes, counted, frame_rate, rate)
        optimizer.zero_grad()
        (squared + parameters.count_weight * likelihood).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        decay = min(0.998, step / (step + 10))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                average[name].mul_(decay).add_(value, alpha=1 - decay)
        losses.append((squared.item(), likelihood.item()))
        if progress and (step + 1) % 200 == 0:
            progress(step + 1, np.mean(losses[-200:], axis=0))
    network.load_state_dict(average)
    return network.eval().requires_grad_(False)


def train_checkpoint(
    examples: Examples, weights: str, member: int, online: bool, parameters: TrainingParameters
) -> Checkpoint:
    """The network of that name (`all` or `without-<fold>`), printing its progress."""
    torch.set_num_threads(1)
    left_out = parameters.left_out(weights, examples.dataset)
    steps = parameters.online_steps if online else parameters.steps

    def say(step: int, losses: FloatArray) -> None:
        print(f"step {step} of {steps}: squared error {losses[0]:.4f}, -log P of counts {losses[1]:.4f}", flush=True)

    network = train(examples, set(left_out), parameters.model_copy(update={"steps": steps}), member, online, say)
    trained_on = sorted(set(examples.dataset) - set(left_out))
    return Checkpoint([network], tuple(trained_on), left_out)


def loss(
    found: tuple[Tensor, Tensor, Tensor], spikes: Tensor, counted: Tensor, frame_rate: Tensor, rate: Tensor
) -> tuple[Tensor, Tensor]:
    """Squared error of the smoothed rate over the variance that a neuron of that rate has; -log P of counts in 1 s."""
    predicted = found[0] / frame_rate[:, None]
    sigma = torch.tensor([max(smoothing(float(f)) * float(f), 0.5) for f in frame_rate])[:, None]
    error = _smooth(predicted - spikes, sigma)
    variance = (rate / frame_rate)[:, None] / (2 * math.sqrt(math.pi) * sigma)
    total = counted.sum()
    squared = (error**2 / variance * counted).sum() / total
    log_p = log_probability(window_sum(spikes, frame_rate), window_sum(predicted, frame_rate), found[1], found[2])
    return squared, -(log_p * counted).sum() / total


def log_probability(count: Tensor, expected: Tensor, size: Tensor, zero: Tensor) -> Tensor:
    """Log probability of a count: zero-inflated negative binomial with mean `expected`, excess zeros included."""
    mean = (expected + 1e-4) / (1 - zero)
    log_p = torch.lgamma(count + size) - torch.lgamma(size) - torch.lgamma(count + 1)
    log_p = log_p + size * torch.log(size / (size + mean)) + count * torch.log(mean / (size + mean))
    return torch.where(count < 0.5, torch.log(zero + (1 - zero) * torch.exp(log_p)), torch.log1p(-zero) + log_p)


def _smooth(values: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian filter of each row (b, w) with its own sigma (b, 1), frames."""
    offset = torch.arange(-9, 10, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offset / sigma) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    return functional.conv1d(values[None], kernel[:, None], padding=9, groups=len(values))[0]


def window_sum(values: Tensor, frame_rate: Tensor) -> Tensor:
    """Sum over the frames within half a second, for each frame (b, w); at the ends over those that there are."""
    half = (frame_rate / 2).round().long()[:, None]
    summed = functional.pad(torch.cumsum(values.double(), 1), (1, 0))
    frame = torch.arange(values.shape[1])[None]
    last, first = (frame + half + 1).clamp(max=values.shape[1]), (frame - half).clamp(min=0)
    return (summed.gather(1, last) - summed.gather(1, first)).float()
