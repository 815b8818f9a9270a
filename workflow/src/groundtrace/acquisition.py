"""What is known about one imaged plane: written once by ingest as `acquisition.json`, read by every later step."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from groundtrace.indicators import UNKNOWN
from groundtrace.section import Section

CellClass = Literal["excitatory", "interneuron"]
Preparation = Literal["soma", "dendrite", "one_photon", "astrocyte"]
LABELS = ("indicator", "location", "cell_class", "preparation")
"""Columns of the sheet that say what was recorded. They are in no file: correcting one makes no movie anew."""


class SourceFile(Section):
    """One raw file of a session."""

    name: str
    """File name without its folder."""
    sha256: str
    """Hash of the whole file; for a format that is a folder, of its files in natural order."""
    frames: int
    """Raw frames in the file, before planes and channels are separated."""


class Setting(Section):
    """What a raw file tells of the microscope, by the names of `groundtrace.facts.FACTS`."""

    name: str
    value: bool | float | str | tuple[float, ...]
    source: str
    """Where in the file: the key or element that holds it."""


class Acquisition(Section):
    """One plane of one session; shapes follow (T, Y, X)."""

    subject: str
    session: str
    date: str | None = None
    plane: int = Field(ge=0)
    planes: PositiveInt
    channels: PositiveInt
    functional_channel: PositiveInt
    """1-based."""
    frames: PositiveInt
    """Frames of this plane and the functional channel."""
    height: PositiveInt
    width: PositiveInt
    dtype: str
    """NumPy name of the integer type of the movie, as acquired; `unknown` where no movie was read."""
    frame_rate: PositiveFloat
    """Hz, of this plane (the volume rate of a multi-plane recording)."""
    pixel_size: PositiveFloat | None = None
    """µm."""
    indicator: str = UNKNOWN
    """As the sheet has it now, like the other LABELS: none of them is in the file. With the species where its kinetics
    there are known (`indicators.in_species`)."""
    species: str | None = None
    """Latin name, of the sheet of animals; a label too."""
    location: str | None = None
    cell_class: CellClass | None = None
    preparation: Preparation = "soma"
    saturation: int
    """Pixel value that counts as saturated, detector units; 0 where no movie was read."""
    gain: float | None = None
    """Detector units per photon, from the variance-mean line; None when the line could not be fitted."""
    offset: float | None = None
    """Detector units at zero photons."""
    simulated: bool = False
    adopted: str | None = None
    """The other pipeline whose ROIs and traces it starts from; None where the movie was read."""
    notes: tuple[str, ...] = ()
    """What ingest found in the raw files that a user should know, one sentence each."""
    settings: tuple[Setting, ...] = ()
    """Of the microscope, as the first raw file tells them."""
    sources: tuple[SourceFile, ...]
    history: tuple[dict[str, Any], ...] = ()
    """Provenance of this file: one entry per step, as in the tables."""

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.frames, self.height, self.width

    @property
    def key(self) -> str:
        """`sub-…/ses-…_date-…`, the session's folder under the results."""
        return session_key(self.subject, self.session, self.date)

    @classmethod
    def read(cls, path: Path | str, **labels: Any) -> "Acquisition":
        """labels: those of LABELS, and species, that a step uses."""
        return cls.model_validate(json.loads(Path(path).read_bytes()) | labels)

    def text(self) -> str:
        """As the file holds it: a label that is corrected in the sheet makes no movie anew."""
        return self.model_dump_json(indent=2, exclude={*LABELS, "species"})


def session_key(subject: str, session: str, date: str | None) -> str:
    """NeuroBlueprint folder of a session: `sub-M01/ses-001_date-20260301`."""
    return f"sub-{subject}/ses-{session}" + (f"_date-{date}" if date else "")
