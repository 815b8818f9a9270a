"""Thor: a ThorImage folder with `Experiment.xml` and OME-TIFF files or an `Image_*.raw`, or any of these files.

`Experiment.xml` gives the rate of single scans: that of a plane is less by the planes, by the flyback frames of a fast
stack, and by the scans that were averaged to a frame.
"""

import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.extractor import ExtractorRaw
from groundtrace.movies.notes import note, tell_cut_short
from groundtrace.movies.raw import Format, Metadata, Raw, files_of, natural_order
from groundtrace.movies.settings import Read, positive, scaled, settings_of
from groundtrace.movies.stored_frames import read_frames

MICROSCOPE: tuple[tuple[str, str, Read], ...] = (
    ("objective", "Magnification.name", str),
    ("magnification", "Magnification.mag", positive),
    ("numerical_aperture", "Magnification.numericalAperture", positive),
    ("wavelength", "MultiPhotonLaser.pos", positive),
    ("dwell_told", "LSM.dwellTime", scaled(1e-6)),
    ("field_width", "LSM.widthUM", positive),
    ("power", "Pockels.start", lambda value: (float(value),)),
    ("pmt_gain", "PMT.gainA", lambda value: (float(value),)),
)
"""Settings of the microscope: our name, ThorImage's element and attribute, and how it is read."""


class Experiment:
    """What ThorImage wrote about a recording."""

    def __init__(self, path: Path):
        folder = path if path.is_dir() else path.parent
        described = folder / "Experiment.xml"
        if not described.is_file():
            raise InputError(f"{path}: Experiment.xml, which describes the recording, is not beside it; copy it there")
        root = ElementTree.parse(described).getroot()
        self._of = {name: (root.find(f".//{name}")) for name in ("LSM", "ZStage", "Streaming")}
        self.channels = len(root.findall(".//Wavelengths/Wavelength"))
        self.width, self.height = (int(self.number("LSM", name)) for name in ("pixelX", "pixelY"))
        elements = ("LSM", "Magnification", "MultiPhotonLaser", "PMT", "Pockels")
        told = {name: found.attrib for name in elements if (found := root.find(f".//{name}")) is not None}
        keys = {f"{name}.{key}": value for name, attributes in told.items() for key, value in attributes.items()}
        self.settings = settings_of(keys, MICROSCOPE)
        self.averaged = max(1, int(self.number("LSM", "averageNum"))) if self.number("LSM", "averageMode") else 1
        streams = self.number("Streaming", "enable") and self.number("Streaming", "zFastEnable")
        self.flyback = int(self.number("Streaming", "flybackFrames")) if streams else 0
        self.planes = max(1, int(self.number("ZStage", "steps"))) if streams else 1
        """Of a stream; otherwise the files tell."""

    def number(self, element: str, name: str) -> float:
        found = self._of[element]
        return float((found.get(name) if found is not None else None) or 0)

    def metadata(self, path: Path, planes: int, flyback: int) -> Metadata:
        rate = self.number("LSM", "frameRate") / self.averaged / (planes + self.flyback) or None
        if rate and self.averaged > 1 and planes > 1:
            note(
                path,
                f"ThorImage averaged {self.averaged} scans to a frame, so {planes} planes are taken at "
                f"{rate:.4g} Hz, without the time for moving the focus; if you know better, fill the column frame_rate",
                "averaged_scans",
            )
        size = self.number("LSM", "pixelSizeUM") or None
        return Metadata(rate, planes, self.channels, flyback * self.channels, size, settings=self.settings)


class ThorRaw(Raw):
    """A stream of uint16 frames, time > plane > channel."""

    def __init__(self, path: Path, stream: Path):
        experiment = Experiment(path)
        self._stream = stream
        size = experiment.height * experiment.width * 2
        frames, rest = divmod(stream.stat().st_size, size * experiment.channels)
        self.broken_off = bool(rest)
        if rest:
            tell_cut_short(stream, frames)
        super().__init__(
            path,
            frames=frames * experiment.channels,
            image=(experiment.height, experiment.width),
            dtype=np.dtype("<u2"),
            metadata=experiment.metadata(path, experiment.planes, experiment.flyback),
        )

    def read(self, frames: IntArray, out: NDArray[np.uint16]) -> None:
        with self._stream.open("rb") as handle:
            read_frames(handle.fileno(), frames.astype(np.int64) * out[0].nbytes, out)
        if struct.pack("=H", 1) != struct.pack("<H", 1):
            out.byteswap(inplace=True)


def open_thor(path: Path) -> Raw:
    from roiextractors import ThorTiffImagingExtractor

    found = natural_order(path.iterdir()) if path.is_dir() else [path]
    streams = [part for part in found if part.suffix == ".raw" and part.name.startswith("Image")]
    tiffs = [part for part in found if part.suffix in (".tif", ".tiff") and not part.stem.endswith("_Preview")]
    if len(streams) == 1:
        return ThorRaw(path, streams[0])
    if streams:
        raise InputError(f"{path}: holds {len(streams)} streams; write one of them in the column path: {streams[0]}")
    if not tiffs:
        raise InputError(f"{path}: holds no .tif file and no Image_*.raw; copy the folder of the recording again")
    names = ThorTiffImagingExtractor.get_available_channel_names(tiffs[0])
    extractors = [ThorTiffImagingExtractor(tiffs[0], channel_name=name) for name in names]
    return ExtractorRaw(path, extractors, Experiment(path).metadata(path, extractors[0].get_num_planes(), 0))


def _files(path: Path) -> tuple[Path, ...]:
    return files_of(path if path.is_dir() else path.parent)


FORMAT = Format(open_thor, suffixes=(".raw",), folder=True, folder_signs=("Experiment.xml",), files=_files)
