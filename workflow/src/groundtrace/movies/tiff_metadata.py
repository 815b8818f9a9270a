"""What OME and ImageJ write about a movie into its TIFF file."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Metadata
from groundtrace.movies.settings import Read, numbers, positive, settings_of

if TYPE_CHECKING:
    import tifffile

SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6, "min": 60.0}
MICROMETRES = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}


@dataclass(frozen=True)
class Described:
    """Metadata of a file and the order of its pages."""

    metadata: Metadata
    order: IntArray | None = None
    """Page of each frame, frames in the order time > plane > channel; None when pages are in that order."""
    times: FloatArray | None = None
    """Seconds of each frame; None where the file does not stamp all of them."""


def open_tiff(path: Path) -> "tifffile.TiffFile":
    """Open a file without its library's remarks: what matters is told here."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    # Were it told of ScanImage, the library would guess the pages of small files from their size, and miss the last.
    return tifffile.TiffFile(path, is_scanimage=False)


def from_imagej(tif: "tifffile.TiffFile", pages: int) -> Described:
    """ImageJ: `finterval` is the time between time points, the resolution is in pixels per unit."""
    settings = tif.imagej_metadata or {}
    order = str(settings.get("order", "czt")).upper()
    shape = {
        axis: int(settings.get(name, 1)) for axis, name in zip("TZC", ("frames", "slices", "channels"), strict=True)
    }
    if sorted(order) != [*"CTZ"] or np.prod([*shape.values()]) != pages:
        order, shape = "CZT", {"T": pages, "Z": 1, "C": 1}
    order, shape = _with_time(order, shape)
    interval = float(settings.get("finterval", 0)) * SECONDS.get(settings.get("tunit", "s"), 0)
    unit = str(settings.get("unit", "")).replace("\\u00B5", "µ")
    dots, length = tif.pages.first.tags.valueof(282, (0, 1))
    metadata = Metadata(
        frame_rate=1 / interval if interval > 0 else None,
        pixel_size=length / dots * MICROMETRES[unit] if dots and unit in MICROMETRES else None,
        **_interleaved(shape),
    )
    return Described(metadata, _page_order(order, shape))


def from_ome(path: Path, xml: str, pages: int) -> Described:
    """OME-TIFF: sizes, order of the pages, `TimeIncrement`, `PhysicalSizeX`, and the other files of its data set."""
    root = ElementTree.fromstring(xml)
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return Described(Metadata())
    step = float(pixels.get("TimeIncrement", 0)) * SECONDS.get(pixels.get("TimeIncrementUnit", "s"), 0)
    size = float(pixels.get("PhysicalSizeX", 0)) * MICROMETRES.get(pixels.get("PhysicalSizeXUnit", "µm"), 0)
    blocks = pixels.findall("{*}TiffData")
    files = [name.get("FileName") for block in blocks for name in block.findall("{*}UUID")]
    members = tuple(dict.fromkeys(name for name in files if name))
    if len(members) > 1:
        members = _in_order_of_frames(path, blocks)
    order = pixels.get("DimensionOrder", "XYCZT")[2:]
    shape = {axis: int(pixels.get(f"Size{axis}", 1)) for axis in "TZC"}
    complete = np.prod([*shape.values()]) == pages and len(members) <= 1
    positions = _positions(blocks, order, shape, pages) if complete else None
    named_shape, (order, shape) = shape, _with_time(order, shape)
    metadata = Metadata(
        frame_rate=1 / step if step > 0 else None,
        pixel_size=size or None,
        members=members if len(members) > 1 else (),
        settings=settings_of(_instrument(root), MICROSCOPE),
        **_interleaved(shape),
    )
    if complete:
        return Described(metadata, _page_order(order, shape, positions), _times(pixels, named_shape, shape))
    # An acquisition that was stopped, or one of several files: usable when pages are in our order anyway.
    if _page_order(order, {axis: min(size, 2) for axis, size in shape.items()}) is not None:
        raise InputError(
            f"{path}: has {pages} pages in the order {order} (fastest first), its metadata tells of {shape['T']} "
            f"times, {shape['Z']} planes and {shape['C']} channels, perhaps in several files; save it as one OME-TIFF"
        )
    return Described(metadata)


MICROSCOPE: tuple[tuple[str, str, Read], ...] = (
    ("objective", "Objective.Model", str),
    ("objective_maker", "Objective.Manufacturer", str),
    ("magnification", "Objective.NominalMagnification", positive),
    ("numerical_aperture", "Objective.LensNA", positive),
    ("wavelength", "Laser.Wavelength", positive),
    ("pmt_gain", "DetectorSettings.Gain", numbers),
)
"""Settings of the microscope: our name, OME's element and attribute, and how it is read. Only those whose unit has no
attribute of its own, or is its default (nm)."""


def _instrument(root: ElementTree.Element) -> dict[str, str]:
    """Attributes of elements of which there is one; of several objectives or lasers it is not known which was used."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(key.partition(".")[0] for _, key, _ in MICROSCOPE):
        elements = root.findall(f".//{{*}}{name}")
        if len(elements) == 1 and elements[0].get("WavelengthUnit", "nm") == "nm":
            found |= {f"{name}.{key}": value for key, value in elements[0].attrib.items()}
    return found


def _times(pixels: Any, named: Mapping[str, int], shape: Mapping[str, int]) -> FloatArray | None:
    """`DeltaT` (s) of each frame; None unless every frame has one and they grow. named: sizes of the axes as the file
    names them."""
    times = np.full([named[axis] for axis in "TZC"], np.nan)
    for plane in pixels.iterfind("{*}Plane"):
        place = tuple(int(plane.get(f"The{axis}", 0)) for axis in "TZC")
        if plane.get("DeltaT") and all(at < size for at, size in zip(place, times.shape, strict=True)):
            times[place] = float(plane.get("DeltaT")) * SECONDS.get(plane.get("DeltaTUnit", "s"), np.nan)
    # Slices or channels may be the time points; an axis that changes its name keeps its one length.
    times = times.reshape([shape[axis] for axis in "TZC"])
    return times.ravel() if (np.diff(times[:, 0, 0]) > 0).all() and np.isfinite(times).all() else None


def _in_order_of_frames(path: Path, blocks: list[Any]) -> tuple[str, ...]:
    """Files of a data set, that with the first frame first."""
    named = [(block, file.get("FileName")) for block in blocks for file in block.findall("{*}UUID")]
    places = [
        (*(int(block.get(f"First{axis}", 0)) for axis in "TZC"), name, int(block.get("IFD", 0)))
        for block, name in named
        if name
    ]
    frames = [(name, page) for *_, name, page in sorted(places)]
    members = tuple(dict.fromkeys(name for name, _ in frames))
    rank = {name: number for number, name in enumerate(members)}
    if frames != sorted(frames, key=lambda frame: (rank[frame[0]], frame[1])):
        raise InputError(
            f"{path}: is one of {len(members)} files of a data set in which planes or channels are files of their own; "
            "save it as one OME-TIFF (for example with `bfconvert`)"
        )
    return members


def _with_time(order: str, shape: dict[str, int]) -> tuple[str, dict[str, int]]:
    """Without a time axis the slices, or else the channels, are the time points: programs mislabel them often."""
    if shape["T"] > 1:
        return order, shape
    slow = "Z" if shape["Z"] > 1 else "C"
    swapped = order.translate(str.maketrans(f"T{slow}", f"{slow}T"))
    return swapped, {**shape, "T": shape[slow], slow: 1}


def _interleaved(shape: Mapping[str, int]) -> dict[str, Any]:
    """Planes and channels that a file declares; one of each may as well mean that it does not know."""
    return {"planes": shape["Z"], "channels": shape["C"]} if shape["Z"] * shape["C"] > 1 else {}


def _positions(blocks: list[Any], order: str, shape: Mapping[str, int], pages: int) -> IntArray:
    """Place of each page in the declared order, as its TiffData elements tell."""
    positions = np.arange(pages)
    strides = {order[0]: 1, order[1]: shape[order[0]], order[2]: shape[order[0]] * shape[order[1]]}
    for block in blocks:
        first = sum(int(block.get(f"First{axis}", 0)) * strides[axis] for axis in "TZC")
        page = int(block.get("IFD", 0))
        count = int(block.get("PlaneCount", pages if block.get("IFD") is None else 1))
        count = max(0, min(count, pages - page, pages - first))
        positions[page : page + count] = np.arange(first, first + count)
    return positions


def _page_order(order: str, shape: Mapping[str, int], positions: IntArray | None = None) -> IntArray | None:
    """Page of each frame (time > plane > channel); `order` names the axes of the pages, fastest first."""
    grid = np.arange(np.prod([shape[axis] for axis in order])).reshape([shape[axis] for axis in reversed(order)])
    frames = grid.transpose([order[::-1].index(axis) for axis in "TZC"]).ravel()
    if positions is not None:
        frames = np.argsort(positions)[frames]
    return None if np.array_equal(frames, np.arange(len(frames))) else frames
