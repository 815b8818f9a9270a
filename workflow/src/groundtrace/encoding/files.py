"""Fitted models on disk, from the job that fits one to the job that compares all."""

from pathlib import Path

from groundtrace.encoding.base import device
from groundtrace.encoding.steps import Fitted, Unfitted
from groundtrace.io import atomic


def write_fitted(path: Path | str, fitted: Fitted | Unfitted) -> None:
    """Write a model as Python's pickle, which keeps classes by their names: a file for the workflow itself, which fits
    anew where the code of a model has changed."""
    import torch

    with atomic(path) as temporary, temporary.open("wb") as handle:
        torch.save(fitted, handle)


def read_fitted(path: Path | str) -> Fitted | Unfitted:
    """Read what `write_fitted` left; models are then where models are fitted, which may be a GPU."""
    import torch

    return torch.load(path, map_location=device(), weights_only=False)
