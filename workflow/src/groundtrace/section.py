"""Base classes of every config section and backend: frozen, no unknown keys, documented by their field docstrings."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from groundtrace.needs import Need, Size

GIVEN = "given"
"""In place of a method: a session brings the result of that stage along (`Session.given`)."""


class Section(BaseModel):
    """One validated section of the config."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False, validate_default=True
    )


class Backend(Section):
    """A config section that can run itself: its fields are its parameters."""

    environment: ClassVar[str] = "core"
    """The conda file under `envs/` that holds what `run` imports; of another package, the path of a file of its own."""
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    """Distributions whose versions decide the result; recorded in every table this backend makes."""
    need: ClassVar[Need] = Need(
        1000, pixel=3000, gigabyte=32, trace=5, seconds=10, gigabyte_seconds=250, trace_seconds=5
    )
    """Memory and time of a job; the default is that of a heavy method, for one that was not measured."""

    def held_frames(self, size: Size, indicator: str) -> float:
        """Frames, of `Need.pixel` bytes a pixel, that are held at a time."""
        return 1

    def files(self) -> tuple[Path, ...]:
        """Files besides the config that decide the result, a model's weights say."""
        return ()
