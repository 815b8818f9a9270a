"""No denoising: extraction reads the registered movie itself, nothing is copied."""

from typing import Literal

from groundtrace.section import Backend


class NoDenoising(Backend):
    """Extract from the registered movie as it is."""

    backend: Literal["none"] = "none"
