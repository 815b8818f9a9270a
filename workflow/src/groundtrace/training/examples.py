"""What the network learns from: ground truth at random frame rates and noise levels, and synthetic recordings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.groundtruth.recordings import Recording, read_recordings
from groundtrace.groundtruth.resampling import match_noise, resample, spike_counts
from groundtrace.indicators import indicators
from groundtrace.io import atomic
from groundtrace.spikes.network.features import FASTEST_RISE, Response, read_recording
from groundtrace.traces.noise import noise_level
from groundtrace.training.parameters import TrainingParameters
from groundtrace.training.synthetic import synthesise

SHORTEST = 100
"""Frames."""
NOISE_LEVELS = (0.8, 10.0)
"""% Hz^-1/2."""
NOISIEST = 12.0
"""Recordings above this ν, % Hz^-1/2, are not learnt from."""


@dataclass(frozen=True)
class Examples:
    """Recordings as the network sees them, end to end along the last axis."""

    channels: FloatArray
    """(CHANNELS, n_total), float16."""
    spikes: FloatArray
    """(n_total,) per frame, float16."""
    context: FloatArray
    """(n_recordings, CONTEXT)."""
    start: IntArray
    """(n_recordings + 1,) first frame of each recording."""
    frame_rate: FloatArray
    """(n_recordings,) Hz."""
    dataset: list[str]
    """Whose spikes they are; also of a synthetic recording."""
    neuron: list[str]
    synthetic: list[bool]

    def save(self, path: Path | str) -> None:
        """One .npz file, not compressed."""
        names = json.dumps({"dataset": self.dataset, "neuron": self.neuron, "synthetic": self.synthetic})
        arrays = {key: getattr(self, key) for key in ("channels", "spikes", "context", "start", "frame_rate")}
        with atomic(path) as temporary, temporary.open("wb") as handle:
            np.savez(handle, names=np.frombuffer(names.encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path | str) -> "Examples":
        with np.load(path) as file:
            names = json.loads(file["names"].tobytes())
            return cls(**{key: file[key] for key in file.files if key != "names"}, **names)


def make_examples(recordings: Sequence[Recording], parameters: TrainingParameters, online: bool) -> Examples:
    """Each recording `rounds` times with its own dF/F and `rounds` times with a random indicator's.

    online: with a random lookahead each, for networks that may not see the whole recording.
    """
    generator = np.random.default_rng([parameters.seed, online])
    found = []
    for _ in range(parameters.rounds):
        for recording in recordings:
            for synthetic in (False, True):
                made = _synthetic(recording, generator) if synthetic else _real(recording, generator)
                if made is None:
                    continue
                dff, spikes, frame_rate, response = made
                lookahead = int(generator.choice(parameters.lookaheads)) if online else None
                channels, context = read_recording(dff, frame_rate, response, lookahead)
                found.append((recording, synthetic, channels.astype(np.float16), spikes, context, frame_rate))
    return Examples(
        channels=np.concatenate([row[2] for row in found], axis=1),
        spikes=np.concatenate([row[3] for row in found]).astype(np.float16),
        context=np.stack([row[4] for row in found]),
        start=np.cumsum([0] + [len(row[3]) for row in found]),
        frame_rate=np.array([row[5] for row in found]),
        dataset=[row[0].dataset for row in found],
        neuron=[row[0].neuron for row in found],
        synthetic=[row[1] for row in found],
    )


Made = tuple[FloatArray, FloatArray, float, Response]


def _real(recording: Recording, generator: np.random.Generator) -> Made | None:
    """The recording at a random frame rate and noise level; None when it is too slow, too short or too noisy."""
    frame_rate = _frame_rate(generator)
    if frame_rate > 2.02 * recording.frame_rate:
        frame_rate = 30.0 if recording.frame_rate > 14.9 else 7.5
    if frame_rate > 2.02 * recording.frame_rate:
        return None
    time, dff = resample(recording.time, recording.dff, frame_rate)
    if len(time) < SHORTEST:
        return None
    native = float(noise_level(dff[None], frame_rate)[0])
    if native > NOISIEST:
        return None
    low, high = NOISE_LEVELS
    level = np.exp(generator.uniform(np.log(low), np.log(high)))
    if level < native:
        level = np.exp(generator.uniform(np.log(native), np.log(max(high, 1.3 * native))))
    noisy = match_noise(dff, frame_rate, level, generator)
    if noisy is None:
        return None
    response = _told(recording.indicator, generator)
    return noisy, spike_counts(recording.spike_time, time, frame_rate), frame_rate, response


def _synthetic(recording: Recording, generator: np.random.Generator) -> Made | None:
    frame_rate = _frame_rate(generator)
    duration = float(recording.time[-1] - recording.time[0])
    made = synthesise(recording.spike_time - recording.time[0], duration, frame_rate, generator)
    return None if made is None else (made.dff, made.spikes, frame_rate, made.response)


def _frame_rate(generator: np.random.Generator) -> float:
    """Half of all at the rates that people use, the others anywhere from 5 to 60 Hz."""
    if generator.random() < 0.5:
        return float(generator.choice([30.0, 30.0, 30.0, 60.0, 15.0, 7.5]))
    return float(np.exp(generator.uniform(np.log(5), np.log(60))))


def _told(name: str, generator: np.random.Generator) -> Response:
    """The indicator's table values, off by a random factor as they are from brain to brain; or nothing."""
    known = indicators().get(name)
    if known is None or generator.random() < 0.3:
        return Response.unknown()
    off = np.exp(generator.normal(0, 0.35, 3))
    rise_time = max(known.rise_time, FASTEST_RISE)
    return Response(known.decay_time * off[0], rise_time * off[1], known.amplitude * off[2], True)


def learnt_from(path: Path | str, parameters: TrainingParameters) -> list[Recording]:
    """Recordings of a table GroundTruth that are fit to learn from."""
    found = read_recordings(path, plausible=True)
    return [r for r in found if not r.dataset.startswith(parameters.exclude) and len(r.time) >= SHORTEST]
