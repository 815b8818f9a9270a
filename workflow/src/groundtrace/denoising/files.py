"""What denoising hands to the steps after it: the noise model, and weights for whoever wants to use them again."""

import json
from pathlib import Path

from groundtrace.denoising.base import Denoising
from groundtrace.io import atomic

WEIGHTS = "groundtrace"
"""Key of the metadata of a file of weights."""


def write_weights(path: Path | str, found: Denoising) -> None:
    """Weights as a safetensors file; without any where nothing was trained."""
    from safetensors.numpy import save_file

    with atomic(path) as temporary:
        save_file(dict(found.weights), temporary, {WEIGHTS: json.dumps(dict(found.about), sort_keys=True)})
