"""What a file of ROIs holds."""

from dataclasses import dataclass

from groundtrace.arrays import FloatArray
from groundtrace.extraction.base import Footprint


@dataclass(frozen=True)
class Drawn:
    """ROIs as they were drawn; their pixels may lie outside of the field."""

    footprints: list[Footprint]
    names: list[str]
    """Of each ROI in its file."""
    shape: tuple[int, int] | None = None
    """(height, width) px of the image they were made on; None where the file does not tell."""
    mean: FloatArray | None = None
    """(Y, X) mean image they were made on: they are moved onto another recording by it."""
    turned: "Drawn | None" = None
    """The same with rows and columns exchanged, where the file leaves open which is which."""
    notes: tuple[str, ...] = ()
    """`what was found; what to do`, one sentence each."""
