"""No denoising: extraction reads the registered movie itself, nothing is copied."""

from typing import ClassVar, Literal

from groundtrace.needs import Need
from groundtrace.section import Backend


class NoDenoising(Backend):
    """Extract from the registered movie as it is."""

    need: ClassVar[Need] = Need(300)

    backend: Literal["none"] = "none"
