"""One recording, as a row of the sample sheet describes it."""

import glob
import os
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    StringConstraints,
    field_validator,
    model_validator,
)

from groundtrace import acquisition
from groundtrace.acquisition import CellClass, Preparation, session_key
from groundtrace.adopted.choosing import parse
from groundtrace.adopted.formats import RESULTS, UNITS, files_of
from groundtrace.adopted.formats import format_of as format_of_results
from groundtrace.errors import InputError
from groundtrace.extraction.given.kinds import RoiFile, by_plane
from groundtrace.indicators import UNKNOWN, spelled
from groundtrace.movies.formats import CONVERT, FORMATS, NAMES, SUFFIXES
from groundtrace.movies.raw import natural_order
from groundtrace.section import Section

if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[(*NAMES, *RESULTS)]
BRACES = re.compile(r"\{\s*\w+\s*(,[^{}]*)?\}")
"""What Snakemake would fill in."""
LABELS = (*acquisition.LABELS, "start_time", "session_description", "microscope")
"""Columns that say what was recorded, and not how its files are read."""
NAMES_OF_SESSION = ("subject", "session", "date")
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$")]
UNREAD = (
    *(*NAMES_OF_SESSION, "path", "simulate", "rois", "exclude", *LABELS),
    *("stimuli", "stimulus_images", "z_stack", "z_step", "field"),
)
"""Columns that do not decide how files are read."""


class Session(Section):
    """One recording: one row of the sheet."""

    subject: Label
    """Animal; letters, digits, underscores."""
    session: Label
    """Session of this animal; letters, digits, underscores."""
    date: str | None = None
    """YYYYMMDD or YYYY-MM-DD."""
    path: str | None = None
    """One file, several separated by `;`, or a glob; several are concatenated in natural order. Relative paths start
    at the folder in which Snakemake runs."""
    format: FormatName | None = None
    """Empty takes it from the file's suffix. `suite2p_rois` (a plane folder), `caiman_rois` (.hdf5), `nwb_rois`,
    `extract_rois` (.mat) and `minian_rois` (a folder) are results of other pipelines: their ROIs and traces are taken,
    one entry of `path` for each plane. `nwb_units` is a file of sorted spikes: its units are the cells, and only their
    responses to `stimuli` are asked for."""
    planes: PositiveInt = 1
    """Imaging planes interleaved in the file."""
    channels: PositiveInt = 1
    """Colour channels interleaved in the file."""
    flyback: NonNegativeInt | None = None
    """Frames of each channel after the last plane of a volume, while the focus returns; they are skipped. Empty takes
    it from the file's metadata, else none."""
    scan_field: PositiveInt | None = None
    """1-based, top to bottom; of a file whose images are several scan fields (ScanImage mROI): one row for each."""
    functional_channel: PositiveInt = 1
    """1-based; the channel with the calcium indicator."""
    motion_channel: PositiveInt | None = None
    """1-based; the channel on which motion is estimated, such as a structural red one; the functional one is moved as
    found there. Empty is the functional channel."""
    frame_rate: PositiveFloat | None = Field(default=None, le=10_000)
    """Hz per plane (volume rate); empty takes it from the file's metadata."""
    exclude: str | None = None
    """File of what is not to be used: 0-based frames of a plane, one a line; or a table with the columns `start` and
    `end`, s from the first frame; or `.npy` with frames or a mask, as Suite2p's `bad_frames.npy`."""
    pixel_size: PositiveFloat | None = Field(default=None, le=100)
    """µm; empty takes it from the file's metadata when it is there."""
    indicator: str = UNKNOWN
    """A name from `resources/indicators.tsv`, a near relative of one, or `unknown`."""
    location: str | None = None
    """Brain area. NWB wants a name or abbreviation of the Allen CCF, as VISp."""
    start_time: str | None = None
    """Of the first frame, for NWB: ISO 8601, as 2026-03-01T14:05:00+01:00; without an offset in `nwb.time_zone`."""
    session_description: str | None = None
    """What was done in it, in a sentence, for NWB."""
    microscope: str | None = None
    """A name under `microscopes` in the config; empty where there is one."""
    rois: str | None = None
    """ROIs of one's own, for recipes whose extraction is of the backend `masks`: RoiSet.zip or .roi of ImageJ, a label
    image (.tif, .npy, Cellpose's _seg.npy), .nwb, or the rois.parquet of another session or recipe. One file for each
    plane, separated by `;`; one NWB file may hold all planes."""
    stimuli: str | None = None
    """Presentations of stimuli: a table (.csv, .tsv, .parquet) with `start_time` and `stop_time` (s since the first
    frame) or `start_frame` and `stop_frame`, `stimulus`, `image` (an id, empty for grey) and any further columns; or an
    .nwb file with intervals. The session's page then shows the responses of its cells."""
    stimulus_images: str | None = None
    """Images that were shown: a stack (.npy, .npz, .tif), a folder of .png or .jpg, or an .nwb file with templates. The
    id of an image is its position, from 0, or its file name, one or the other in all of `stimuli`, which is checked."""
    z_stack: str | None = None
    """Z-stack around the recording (.tif or .npy; planes x height x width, or planes x frames x height x width), with
    its zoom and pixels: motion correction then finds the depth of each frame in it."""
    z_step: float | None = Field(default=None, ge=-100, le=100)
    """µm from one plane of `z_stack` to the next; negative where later planes lie less deep."""
    units: str | None = None
    """Which units of a file of the format `nwb_units` are taken: conditions on their columns, as `area == "VISp" and
    quality == "good"`. Empty takes all."""
    cell_class: CellClass | None = None
    """Of all cells: excitatory or interneuron. It narrows the intervals of spike rates; empty is not known."""
    preparation: Preparation = "soma"
    """What is imaged: `soma` in two photons, `dendrite` (and axons), `one_photon` (a miniscope, say), or `astrocyte`.
    Of all but the first is left out what rests on somata with known spikes; astrocytes have no rates, and a table of
    events."""
    field: Label | None = None
    """Sessions of one subject with the same field show the same tissue: their ROIs are tracked, plane by plane. Empty
    is tracked with nothing."""
    simulate: str | None = None
    """A name under `simulation` in the config, instead of a path."""
    _labels: dict[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("date")
    @classmethod
    def _date_is_real(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            # By its digits: strptime takes 2026123 for the third of December.
            if re.fullmatch(r"\d{8}|\d{4}-\d\d?-\d\d?", value):
                return datetime.strptime(value, "%Y-%m-%d" if "-" in value else "%Y%m%d").strftime("%Y%m%d")
        except ValueError:
            pass
        raise ValueError(f"{value!r} is not a date; write YYYYMMDD or YYYY-MM-DD")

    @field_validator("start_time")
    @classmethod
    def _start_time_is_real(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            if "T" in value.upper() or " " in value:
                return datetime.fromisoformat(value).isoformat()
        except ValueError:
            pass
        raise ValueError(f"{value!r} is not a time; write it as 2026-03-01T14:05:00+01:00")

    @field_validator("indicator")
    @classmethod
    def _indicator_is_known(cls, value: str) -> str:
        return spelled(value)

    @model_validator(mode="after")
    def _source_and_channels(self) -> "Session":
        if (self.path is None) == (self.simulate is None):
            raise ValueError("fill either path or simulate, one of the two")
        if self.functional_channel > self.channels:
            raise ValueError(f"functional_channel {self.functional_channel} is beyond the {self.channels} channel(s)")
        if self.motion_channel is not None and self.motion_channel > self.channels:
            raise ValueError(f"motion_channel {self.motion_channel} is beyond the {self.channels} channel(s)")
        if self.date and self.start_time and self.start_time[:10].replace("-", "") != self.date:
            raise ValueError(f"start_time {self.start_time} is not on the date {self.date}")
        if self.stimulus_images and not self.stimuli:
            raise ValueError("stimulus_images: the images are given, and not when they were shown; fill stimuli too")
        if bool(self.z_stack) != bool(self.z_step):
            missing = "z_step (µm between its planes)" if self.z_stack else "z_stack (the file)"
            raise ValueError(f"{'z_stack' if self.z_stack else 'z_step'} needs {missing} too; fill it")
        if self.simulate is not None and self.frame_rate is None:
            raise ValueError("a simulated session needs frame_rate (Hz)")
        return self

    @model_validator(mode="after")
    def _rois_are_read(self) -> "Session":
        if self.rois is not None:
            self.roi_files()
        filled = [name for name in ("rois", "simulate", "exclude", "z_stack") if getattr(self, name)]
        if self.adopted and filled:
            raise ValueError(
                f"{filled[0]}: with format {self.format} the ROIs and traces are those of path; empty {filled[0]}"
            )
        return self

    @model_validator(mode="after")
    def _units_have_stimuli(self) -> "Session":
        if self.units is not None and not self.from_units:
            raise ValueError(f"units: chooses units of a file of the format {UNITS}; empty it, or write that format")
        if self.from_units and (self.stimuli is None or self.planes > 1):
            raise ValueError(
                f"format {UNITS}: of sorted spikes only responses to stimuli are asked for; fill the column stimuli, "
                "with the same file where it holds them, and leave planes at 1"
            )
        if self.units is not None:
            parse(self.units)
        return self

    @classmethod
    def of_row(cls, values: Mapping[str, Any]) -> "Session":
        """From the cells of a row; those of the lab's own columns are its labels. Raises ValidationError."""
        session = cls.model_validate({name: value for name, value in values.items() if name in cls.model_fields})
        session._labels |= {name: value for name, value in values.items() if name not in cls.model_fields}
        return session

    @property
    def labels(self) -> dict[str, str]:
        """Columns of the lab's own, which nothing depends on."""
        return self._labels

    @property
    def other_channel(self) -> bool:
        """Motion is estimated on another channel than the functional one."""
        return not self.adopted and self.motion_channel not in (None, self.functional_channel)

    @property
    def adopted(self) -> bool:
        """It starts from the ROIs and traces that another pipeline left."""
        return self.format in RESULTS

    @property
    def shows_events(self) -> bool:
        """Astrocytes are imaged, and there is a movie to find their events in."""
        return self.preparation == "astrocyte" and not self.adopted

    @property
    def from_units(self) -> bool:
        """It starts from sorted spikes, and has neither movie nor traces."""
        return self.format == UNITS

    @property
    def given(self) -> tuple[str, ...]:
        """Stages whose result it brings along."""
        if self.adopted:
            return ("motion", "denoise", "extract", "spikes")[: 4 if self.from_units else 3]
        parts = [Path(part.strip()) for part in (self.path or "").split(";") if part.strip()]
        moved = [FORMATS[self.format_of(part)].registered(part) for part in parts]
        return ("motion",) if moved and all(moved) else ()

    def files_behind(self, path: Path) -> tuple[Path, ...]:
        """All files of one entry of the column path."""
        return files_of(path) if self.adopted else FORMATS[self.format_of(path)].files(path)

    def format_of(self, path: Path) -> str:
        """Of a raw file: the format given, or that of its suffix."""
        found = self.format or SUFFIXES.get(path.suffix.lower())
        if found is None:
            raise InputError(f"{path}: has no suffix that names a format; fill the column format")
        return found

    def reading(self) -> dict[str, Any]:
        """Of its columns those that decide what its files are read as: no names, no places, no labels."""
        return self.model_dump(mode="json", exclude=set(UNREAD))

    @property
    def key(self) -> str:
        return session_key(self.subject, self.session, self.date)

    def named(self) -> list[str]:
        """Raw files in natural order, patterns filled in, whether they exist or not; none of a simulated session."""
        parts = [part.strip() for part in (self.path or "").split(";") if part.strip()]
        return [name for part in parts for name in (_matching(part) if _is_pattern(part) else [part])]

    def files(self) -> list[Path]:
        """Raw files in natural order; empty for a simulated session. Raises InputError when one is missing."""
        if self.path is None:
            return []
        for part in filter(None, map(str.strip, self.path.split(";"))):
            if _is_pattern(part) and not _matching(part):
                raise InputError(f"{part!r} matches no file")
        found = self.named()
        missing = [name for name in found if not Path(name).exists()]
        if missing:
            raise InputError(f"{missing[0]!r} does not exist")
        return [Path(name) for name in found]

    def roi_files(self) -> tuple[RoiFile, ...]:
        """File of given ROIs of each plane; none where the sheet gives none. Raises ValueError where they are wrong."""
        if self.rois is None:
            return ()
        try:
            return by_plane([part.strip() for part in self.rois.split(";") if part.strip()], self.planes)
        except ValueError as error:
            raise ValueError(f"rois: {error}") from None

    def formats(self) -> list[str]:
        """Formats of its files: the one given, or those of the suffixes.

        Raises ValueError when neither tells, or when the column path is wrong whatever is on the disk.
        """
        files = [Path(name) for name in self.named()]
        if self.path is not None and not files and not glob.has_magic(self.path):
            raise ValueError(f"{self.path!r} names no file")
        wild = [path.as_posix() for path in files if BRACES.search(path.as_posix())]
        if wild:
            raise ValueError(
                f"{wild[0]!r} has braces, which Snakemake takes for a wildcard; rename the folder or file, or make a "
                "link without braces to it"
            )
        if len({os.path.normpath(file) for file in files}) < len(files):
            raise ValueError(f"{self.path!r} names a file twice")
        if self.format is not None or self.simulate is not None:
            return [self.format or "tiff"]
        if unknown := [path for path in files if path.suffix.lower() not in SUFFIXES]:
            raise ValueError(_unnamed(unknown[0]))
        return sorted({SUFFIXES[path.suffix.lower()] for path in files})


def _unnamed(path: Path) -> str:
    """What is wrong with a path whose name tells no format, and what to do."""
    if advice := CONVERT.get(path.suffix.lower()):
        return f"{path.name!r} is of a format that is not read; {advice}"
    if path.is_dir():
        known = {
            sign.format(folder=path.name): name for name, format in FORMATS.items() for sign in format.folder_signs
        }
        likely = format_of_results(path) or next((known[sign] for sign in known if (path / sign).is_file()), None)
        if likely:
            return f"{path.name!r} is a folder of {likely}: write that in the column format"
        inside = Counter(part.suffix.lower() for part in path.iterdir() if part.suffix.lower() in SUFFIXES)
        if inside:
            return f"{path.name!r} is a folder; name the files in it: {path.as_posix()}/*{inside.most_common(1)[0][0]}"
    return (
        f"{path.name!r} has no suffix that names a format ({', '.join(SUFFIXES)}); fill the column format: "
        f"{', '.join((*NAMES, *RESULTS))}"
    )


def _is_pattern(part: str) -> bool:
    return glob.has_magic(part) and not Path(part).exists()


def _matching(pattern: str) -> list[str]:
    """Files in natural order; the folders of a pattern that exist are no pattern themselves."""
    path = Path(pattern)
    folder = next(parent for parent in path.parents if parent.exists())
    found = glob.glob(str(path.relative_to(folder)), root_dir=folder)
    return [str(file) for file in natural_order(folder / name for name in found)]
