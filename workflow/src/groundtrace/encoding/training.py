"""Training of one network on the images of a session."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding.base import Trials, device
from groundtrace.encoding.model import Network
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.pixels import Reader
from groundtrace.encoding.places import receptive_places
from groundtrace.random import stream

BATCH = 32
"""Images of a step."""
HELD_OUT = 0.15
"""Share of images by which training is judged."""
PATIENCE = 8
"""Judgements without a gain before the rate of learning falls."""
FALLS = 2
"""Falls of the rate of learning, to a third each, before training stops."""
EVERY = 12
"""Steps between two judgements."""
JUDGES = 256
"""Images that training is judged by, at most."""


def train(shape: EncodingNetwork, images: FloatArray, trials: Trials, seed: int, member: int) -> Network:
    """A network fitted to images (n_images, Y, X); the best by images that it does not learn from."""
    random = stream(seed, "encoding", member)
    scaled, base, scale = trials.scaled()
    reader = Reader(images, shape.side)
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    network = Network(shape, reader, base, scale).initialise(generator)
    with torch.no_grad():
        small = network.reader(torch.from_numpy(images).to(device()))
    mean, count = (torch.from_numpy(part.T).float().to(device()) for part in (scaled.mean, scaled.count))
    order = random.permutation(len(images))
    held_out, learnt = np.split(order, [max(2, round(HELD_OUT * len(images)))])
    network.readout.start_at(receptive_places(small[learnt], mean[learnt], count[learnt]))
    return _Training(network, small, mean, count, random).run(learnt, held_out)


class _Training:
    """mean, count: (n_images, n_cells) of trials."""

    def __init__(self, network: Network, small: torch.Tensor, mean: torch.Tensor, count: torch.Tensor, random):
        self.network, self.small, self.mean, self.count, self.random = network, small, mean, count, random
        self.weight = count / count.sum(0).clamp(min=1) * len(count)

    def run(self, learnt: IntArray, held_out: IntArray) -> Network:
        network, rate = self.network, self.network.shape.learning_rate
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        best, kept, since, falls = math.inf, network.kept(), 0, 0
        for step, rows in enumerate(self._batches(learnt)):
            if step == network.shape.steps:
                break
            network.train()
            loss = self._loss(rows, train=True) + network.penalty()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if (step + 1) % EVERY:
                continue
            judged = self._judge(held_out[:JUDGES])
            if judged < best - 1e-5:
                best, kept, since = judged, network.kept(), 0
                continue
            since += 1
            if since < PATIENCE:
                continue
            if falls == FALLS:
                break
            falls, since = falls + 1, 0
            network.load_state_dict(kept)
            for group in optimizer.param_groups:
                group["lr"] = rate / 3**falls
        network.load_state_dict(kept)
        return network.eval().requires_grad_(False)

    def _batches(self, rows: IntArray) -> Iterator[IntArray]:
        while True:
            yield from np.array_split(self.random.permutation(rows), math.ceil(len(rows) / BATCH))

    def _loss(self, rows: IntArray, train: bool) -> torch.Tensor:
        chosen = torch.from_numpy(rows).to(self.small.device)
        noise = None
        if train and self.network.readout.spread is not None:
            drawn = self.random.standard_normal((len(rows), self.mean.shape[1], 2), np.float32)
            noise = torch.from_numpy(drawn).to(self.small.device)
        found = self.network.rate(self.small[chosen], noise)
        weight = self.weight[chosen]
        return (weight * (found - self.mean[chosen] * (found + 1e-6).log())).mean()

    @torch.no_grad()
    def _judge(self, rows: IntArray) -> float:
        self.network.eval()
        parts = np.array_split(rows, math.ceil(len(rows) / 64))
        return float(sum(self._loss(part, train=False) * len(part) for part in parts)) / len(rows)
