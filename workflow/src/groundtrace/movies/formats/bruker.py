"""Bruker: a Prairie View folder with its XML and TIFF files, one image a file or many; from 3.3 on.

The XML lists every image, with its time, in the order in which it was taken: volumes that were scanned up and down
(`bidirectionalZ`) are turned round here, and one that was broken off is left out. Its time is that of the whole
recording (`absoluteTime`), so pauses between cycles are seen.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import note
from groundtrace.movies.raw import Format, Metadata, Raw, natural_order
from groundtrace.movies.settings import Read, numbers, positive, scaled, settings_of
from groundtrace.movies.tiff_metadata import open_tiff


@dataclass(frozen=True)
class Image:
    """All channels of one plane at one time."""

    time: float
    files: dict[int, tuple[str, int]]
    """File and page of each channel."""


class BrukerRaw(Raw):
    def __init__(self, path: Path):
        described = _xml(path)
        self._folder = described.parent
        root = ElementTree.parse(described).getroot()
        volumes = _volumes(root)
        if not volumes:
            raise InputError(f"{path}: {described.name} lists no image; copy it again from the microscope")
        planes = Counter(len(volume) for volume in volumes).most_common(1)[0][0]
        channels = sorted(volumes[0][0].files)
        whole = [
            volume
            for volume in volumes
            if len(volume) == planes and all(self._is_there(image, channels) for image in volume)
        ]
        _tell_left_out(path, volumes, whole, planes)
        images = [image for volume in whole for image in volume]
        self._pages = [image.files[channel] for image in images for channel in channels]
        # Of its volume: planes of volumes that are scanned up and down are not evenly spaced.
        times = [min(image.time for image in volume) for volume in whole]
        self.times = np.repeat(times, planes * len(channels))
        with open_tiff(self._folder / self._pages[0][0]) as tif:
            first = tif.pages.first
        super().__init__(
            path,
            frames=len(self._pages),
            image=(first.imagelength, first.imagewidth),
            dtype=np.dtype(first.dtype),
            metadata=Metadata(
                _rate(times),
                planes,
                len(channels),
                pixel_size=_pixel_size(root),
                settings=settings_of(_keys(root), MICROSCOPE),
            ),
        )

    def _is_there(self, image: Image, channels: list[int]) -> bool:
        return sorted(image.files) == channels and all(
            (self._folder / name).is_file() for name, _ in image.files.values()
        )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        pages = [self._pages[frame] for frame in frames]
        start = 0
        for name, group in groupby(name for name, _ in pages):
            stop = start + len(list(group))
            with open_tiff(self._folder / name) as tif:
                for position in range(start, stop):
                    out[position] = tif.pages[pages[position][1]].asarray()
            start = stop


def _xml(path: Path) -> Path:
    """The XML of the recording: that named like the folder, or the only one that lists images."""
    folder = path if path.is_dir() else path.parent
    own = folder / f"{folder.name}.xml"
    if own.is_file():
        return own
    found = [xml for xml in natural_order(folder.glob("*.xml")) if ElementTree.parse(xml).find(".//Frame") is not None]
    if len(found) == 1:
        return found[0]
    reason = f"is not in the folder; copy it there{f'. It holds {len(found)} others' if found else ''}"
    raise InputError(f"{path}: {own.name}, which describes the recording, {reason}")


def _volumes(root: ElementTree.Element) -> list[list[Image]]:
    """Images of each volume, first plane first; a time series in one plane has volumes of one image."""
    volumes: list[list[Image]] = []
    for number, sequence in enumerate(root.iter("Sequence")):
        images = list(_images(sequence))
        if "ZSeries" not in sequence.get("type", ""):
            volumes += [[image] for image in images]
        elif images:
            back = sequence.get("bidirectionalZ", "").lower() == "true" and number % 2
            volumes.append(images[::-1] if back else images)
    return volumes


def _images(sequence: ElementTree.Element) -> Iterator[Image]:
    for frame in sequence.iter("Frame"):
        files = {
            int(file.attrib["channel"]): (file.attrib["filename"], int(file.get("page", 1)) - 1)
            for file in frame.iter("File")
        }
        if files:
            yield Image(float(frame.get("absoluteTime") or frame.get("relativeTime") or "nan"), files)


def _rate(times: list[float]) -> float | None:
    """Hz, from the usual distance: pauses between cycles do not count."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    return float(1 / np.median(steps)) if len(steps) else None


def _pixel_size(root: ElementTree.Element) -> float | None:
    """µm, horizontally: in the frames' settings (3.3 to 5.0) or in those of the whole recording."""
    old = root.find(".//Key[@key='micronsPerPixel_XAxis']")
    new = root.find(".//PVStateValue[@key='micronsPerPixel']/IndexedValue[@index='XAxis']")
    found = next((each.get("value") for each in (old, new) if each is not None), None)
    return float(found) if found else None


def _keys(root: ElementTree.Element) -> dict[str, str | list[str]]:
    """Settings by their names, values as text: those of the first frame (3.3 to 5.0), else of the recording."""
    frame = next(root.iter("Frame"), None)
    old = [] if frame is None else frame.iter("Key")
    found: dict[str, str | list[str]] = {key.get("key", ""): key.get("value", "") for key in old}
    for shard in root.findall("PVStateShard"):
        for state in shard.findall("PVStateValue"):
            listed = [part.get("value", "") for part in state.findall("IndexedValue")]
            found.setdefault(state.get("key", ""), listed or state.get("value", ""))
    return found


def _scanner(mode: str) -> str:
    return "resonant" if "resonant" in mode.lower() else {"galvo": "galvo"}[mode.lower()]


def _first(value: str | list[str]) -> float:
    return positive(value[0] if isinstance(value, list) else value)


MICROSCOPE: tuple[tuple[str, str, Read], ...] = (
    ("objective", "objectiveLens", str),
    ("magnification", "objectiveLensMag", positive),
    ("numerical_aperture", "objectiveLensNA", positive),
    ("zoom", "opticalZoom", positive),
    ("wavelength", "laserWavelength", _first),
    ("wavelength", "laserWavelength_0", _first),
    ("scanner", "activeMode", _scanner),
    ("dwell_told", "dwellTime", scaled(1e-6)),
    ("line_period", "scanLinePeriod", positive),
    ("line_period", "scanlinePeriod", positive),
    ("power", "laserPower", numbers),
    ("power", "laserPower_0", numbers),
    ("pmt_gain", "pmtGain", numbers),
    ("position_z", "positionCurrent_ZAxis", float),
)
"""Settings of the microscope: our name, Prairie View's, and how it is read."""


def _tell_left_out(path: Path, volumes: list[list[Image]], whole: list[list[Image]], planes: int) -> None:
    lost = sum(map(len, volumes)) - planes * len(whole)
    if lost:
        note(
            path,
            f"{len(volumes) - len(whole)} of {len(volumes)} {'volumes' if planes > 1 else 'frames'} ({lost} "
            f"images) are broken off or lack a file, and are left out: each has {planes} image(s) of every channel; if "
            "files were not copied, copy the folder again",
            "volumes_left_out",
        )


FORMAT = Format(BrukerRaw, folder=True, folder_signs=("{folder}.xml",))
