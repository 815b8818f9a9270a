"""Base classes of every config section and backend: frozen, no unknown keys, documented by their field docstrings."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One validated section of the config."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False, validate_default=True
    )


class Backend(Section):
    """A config section that can run itself: its fields are its parameters."""

    environment: ClassVar[str] = "core"
    """The conda file under `envs/` that holds what `run` imports."""
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    """Distributions whose versions decide the result; recorded in every table this backend makes."""

    def files(self) -> tuple[Path, ...]:
        """Files besides the config that decide the result, a model's weights say."""
        return ()
