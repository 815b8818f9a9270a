"""One trace through trained networks; shared by the backend and by the assessment of its accuracy."""

from dataclasses import dataclass

import numpy as np
import torch

from groundtrace.arrays import FloatArray
from groundtrace.spikes.counts import WINDOW
from groundtrace.spikes.network.expected import accuracy_features
from groundtrace.spikes.network.features import Response, read_recording
from groundtrace.spikes.network.model import Checkpoint, predict
from groundtrace.traces.noise import noise_level


@dataclass(frozen=True)
class Inferred:
    """What is inferred from one trace, each (n_frames,)."""

    rate: FloatArray
    """Hz."""
    mean: FloatArray
    """Expected spikes in the second around each frame."""
    size: FloatArray
    zero: FloatArray
    """Mean, size and excess zeros of the distribution of spike counts, not yet calibrated."""
    features: FloatArray
    """(n_features,) that its expected accuracy follows from."""


def infer_trace(
    checkpoint: Checkpoint, trace: FloatArray, frame_rate: float, response: Response, lookahead: int | None
) -> Inferred:
    """trace: (n_frames,) dF/F, finite. frame_rate: Hz."""
    device = next(checkpoint.members[0].parameters()).device
    channels, context = read_recording(trace, frame_rate, response, lookahead)
    inputs, described = (torch.from_numpy(array).to(device) for array in (channels, context))
    rate, size, zero = (output.cpu().numpy() for output in predict(checkpoint.members, inputs, described))
    level = float(noise_level(trace[None], frame_rate)[0])
    # The noise per frame is what ν is, up to its unit.
    snr = response.amplitude / max(level, 0.05) if response.told else None
    return Inferred(
        rate, mean_over_window(rate, frame_rate), size, zero, accuracy_features(rate, frame_rate, level, snr)
    )


def mean_over_window(rate: FloatArray, frame_rate: float) -> FloatArray:
    """Expected spikes in the second around each frame (n_frames,); at the ends, from the part that was recorded."""
    half = round(frame_rate / 2)
    summed = np.concatenate([[0.0], np.cumsum(rate, dtype=np.float64)])
    frame = np.arange(len(rate))
    last, first = np.minimum(frame + half + 1, len(rate)), np.maximum(frame - half, 0)
    return WINDOW * (summed[last] - summed[first]) / (last - first)
