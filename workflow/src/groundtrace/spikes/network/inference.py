"""One trace through trained networks; shared by the backend and by the assessment of its accuracy."""

from dataclasses import dataclass

import numpy as np
import torch

from groundtrace.arrays import FloatArray
from groundtrace.spikes.comparing import mean_over_window
from groundtrace.spikes.network.expected import accuracy_features, dispersion, evidence, seen
from groundtrace.spikes.network.features import Response, read_recording
from groundtrace.spikes.network.model import Checkpoint, predict
from groundtrace.traces.noise import noise_level


@dataclass(frozen=True)
class Inferred:
    """What is inferred from one trace, each (n_frames,)."""

    rate: FloatArray
    """Hz; next to nothing in a trace without any event, unless online."""
    mean: FloatArray
    """Spikes in the second around each frame as the network expects them, whatever the rest of the trace shows."""
    dispersion: FloatArray
    """log(variance / mean) of their number, as the network has it."""
    features: FloatArray
    """(FEATURES,) that its errors are predicted from."""
    context: FloatArray
    """(CONTEXT,) the description of the recording that the network was given."""


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
    mean = mean_over_window(rate, frame_rate)
    features = accuracy_features(rate, frame_rate, level, snr)
    kept = rate if lookahead is not None else rate * np.float32(seen(evidence(rate, frame_rate)))
    return Inferred(kept, mean, dispersion(mean, size, zero), features, context)
