"""A key figure of a page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Drawn by the macro `key_figures` of `figures.html`."""

    label: str
    value: str
    unit: str
    meaning: str
    alarming: bool = False
    """Drawn as something that needs attention."""
