"""What denoising hands to the steps after it: the noise model, and weights for whoever wants to use them again."""

import json
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.denoising.base import Denoising
from groundtrace.denoising.noise import NoiseModel
from groundtrace.io import atomic, read_arrays, write_arrays

WEIGHTS = "groundtrace"
"""Key of the metadata of a file of weights."""


def write_noise(path: Path | str, found: Denoising) -> None:
    """The noise model and the mean image, as arrays."""
    noise = found.noise
    line = np.array([noise.gain, noise.offset, noise.floor])
    write_arrays(path, line=line, correlation=noise.correlation, mean=found.mean.astype(np.float32))


def read_noise(path: Path | str) -> tuple[NoiseModel, FloatArray]:
    """The noise model, and the mean image (Y, X)."""
    arrays = read_arrays(path)
    gain, offset, floor = (float(value) for value in arrays["line"])
    return NoiseModel(gain, offset, floor, arrays["correlation"]), arrays["mean"]


def write_weights(path: Path | str, found: Denoising) -> None:
    """Weights as a safetensors file; without any where nothing was trained."""
    from safetensors.numpy import save_file

    with atomic(path) as temporary:
        save_file(dict(found.weights), temporary, {WEIGHTS: json.dumps(dict(found.about), sort_keys=True)})
