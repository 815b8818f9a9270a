"""What is known about one imaged plane: written once by ingest as `acquisition.json`, read by every later step."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from groundtrace.section import Section


class SourceFile(Section):
    """One raw file of a session."""

    name: str
    """File name without its folder."""
    sha256: str
    """Of the whole file; for a format that is a folder, of its files in natural order."""
    frames: int
    """Raw frames in the file, before planes and channels are separated."""


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
    """NumPy name of the integer type of the movie, as acquired."""
    frame_rate: PositiveFloat
    """Hz, of this plane (the volume rate of a multi-plane recording)."""
    pixel_size: PositiveFloat | None = None
    """µm."""
    indicator: str
    location: str | None = None
    saturation: int
    """Pixel value that counts as saturated, detector units."""
    gain: float | None = None
    """Detector units per photon, from the variance-mean line; None when the line could not be fitted."""
    offset: float | None = None
    """Detector units at zero photons."""
    simulated: bool = False
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
    def read(cls, path: Path | str) -> "Acquisition":
        return cls.model_validate_json(Path(path).read_bytes())


def session_key(subject: str, session: str, date: str | None) -> str:
    """NeuroBlueprint folder of a session: `sub-M01/ses-001_date-20260301`."""
    return f"sub-{subject}/ses-{session}" + (f"_date-{date}" if date else "")


def only_touched(files: Sequence[Path], made: Path) -> list[bool]:
    """Which raw files are newer than `made`, the acquisition.json of a plane, and yet have the content that was read.

    A file is opened when it is newer, that is after a `touch` or a copy; folders are not looked into.
    """
    if not made.exists():
        return [False] * len(files)
    newer = [file.is_file() and file.stat().st_mtime > made.stat().st_mtime for file in files]
    if not any(newer):
        return newer
    try:
        sources = Acquisition.read(made).sources
    except ValidationError:
        return [False] * len(files)
    known = [source.sha256 for source in sources] if len(sources) == len(files) else [""] * len(files)
    return [later and _sha256(file) == sha256 for file, later, sha256 in zip(files, newer, known, strict=True)]


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
