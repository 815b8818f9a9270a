"""No denoising: extraction reads the registered movie itself, nothing is copied."""

from typing import Literal

from groundtrace.denoising.base import DenoisingBackend


class NoDenoising(DenoisingBackend):
    """Extract from the registered movie as it is."""

    backend: Literal["none"] = "none"
