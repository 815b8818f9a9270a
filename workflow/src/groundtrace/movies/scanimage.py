"""What ScanImage writes about a movie into its TIFF files, and about each frame into its pages."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.movies.line_fields import line_fields
from groundtrace.movies.raw import Metadata, ScanField
from groundtrace.movies.settings import Read, numbers, positive, settings_of

if TYPE_CHECKING:
    import tifffile

FrameHeader = tuple[int | None, float | None]
"""Number of a frame in its acquisition, 1-based, and its time, s."""
ARTIST = 315
"""Tag with the scan fields, as JSON."""
FRAME = re.compile(r"^frameNumberAcquisition\s*=\s*(\d+)", re.MULTILINE)
TIME = re.compile(r"^frameTimestamps_sec\s*=\s*([-+.\deE]+)", re.MULTILINE)
VERSION_4 = {
    "scanFrameRate": "hRoiManager.scanFrameRate",
    "channelsSave": "hChannels.channelSave",
    "stackNumSlices": "hStackManager.numSlices",
    "fastZEnable": "hFastZ.enable",
    "fastZNumDiscardFrames": "hFastZ.numDiscardFlybackFrames",
    "acqNumAveragedFrames": "hScan2D.logAverageFactor",
    "scanPixelsPerLine": "hRoiManager.pixelsPerLine",
    "scanZoomFactor": "hRoiManager.scanZoomFactor",
}
"""Settings of ScanImage 4 and 5.0 by their later names."""


def _resonant(value: Any) -> str:
    """Scan mode or type of a scanner (`resonant`, `linear`; `Resonant`, `RGG`, `Galvo`, `GG`) in our words."""
    first = str(value)[:1].lower()
    return {"r": "resonant", "l": "galvo", "g": "galvo"}[first]


def _extent(axis: int) -> Read:
    """Of the corners of the field."""
    return lambda corners: positive(np.ptp(np.asarray(corners, float)[:, axis]))


MICROSCOPE: tuple[tuple[str, str, Read], ...] = (
    ("zoom", "SI.hRoiManager.scanZoomFactor", positive),
    ("micrometres_per_degree", "SI.objectiveResolution", positive),
    ("field_width", "SI.hRoiManager.imagingFovUm", _extent(0)),
    ("scanner", "SI.hScan2D.scannerType", _resonant),
    ("scanner", "SI.hScan2D.scanMode", _resonant),
    ("scanner_rate", "SI.hScan2D.scannerFrequency", positive),
    ("spatial_fill", "SI.hScan2D.fillFractionSpatial", positive),
    ("temporal_fill_told", "SI.hScan2D.fillFractionTemporal", positive),
    ("dwell_told", "SI.hScan2D.scanPixelTimeMean", positive),
    ("bidirectional", "SI.hScan2D.bidirectional", bool),
    ("power", "SI.hBeams.powers", numbers),
    ("pmt_gain", "SI.hPmts.gains", numbers),
    ("position", "SI.hMotors.samplePosition", numbers),
    ("position", "SI.hMotors.motorPosition", numbers),
    ("focus", "SI.hFastZ.position", numbers),
    ("plane_depths", "SI.hStackManager.zs", numbers),
)
"""Settings of the microscope: our name, ScanImage's, and how it is read."""


def describe_scanimage(path: Path, tif: "tifffile.TiffFile") -> Metadata:
    """Settings in the file's header, in the tag Software, or (ScanImage 3 to 5.1) in the description of a page."""
    description = tif.pages.first.description
    if description.startswith("state."):
        return _version_3(description)
    settings, rois = _settings(tif, description)
    if "SI.hRoiManager.scanFrameRate" not in settings:
        return Metadata()
    return _metadata(path, settings, _fields(path, settings, rois, tif.pages.first))


def frame_header(description: str) -> FrameHeader:
    number, time = FRAME.search(description), TIME.search(description)
    return int(number[1]) if number else None, float(time[1]) if time else None


def stamps(headers: Sequence[FrameHeader], channels: int) -> tuple[IntArray | None, FloatArray | None]:
    """Number in its acquisition (0-based, of all channels together) and time (s) of each page; None where not told."""
    numbers = np.array([number for number, _ in headers if number is not None], np.int64)
    times = np.array([time for _, time in headers if time is not None])
    return (
        _numbers(numbers, channels) if len(numbers) == len(headers) else None,
        times if len(times) == len(headers) and _moves(times[::channels]) else None,
    )


def _moves(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.median(np.diff(values)) > 0)


def _numbers(frames: IntArray, channels: int) -> IntArray | None:
    """Channels of a frame have its number; of frames averaged before they are saved, only every so manieth is there."""
    firsts = frames[::channels]
    if not _moves(firsts) or not np.array_equal(np.repeat(firsts, channels)[: len(frames)], frames):
        return None
    step = int(np.median(np.diff(firsts)))
    counted = ((firsts - 1) // step)[:, None] * channels + np.arange(channels)
    return counted.ravel()[: len(frames)]


def _settings(tif: "tifffile.TiffFile", description: str) -> tuple[dict[str, Any], Any]:
    """Settings by their names of today, and the groups of regions."""
    import tifffile

    rois: Any = None
    try:
        settings, rois = tifffile.read_scanimage_metadata(tif.filehandle)[:2]
    except ValueError:  # not one of its BigTIFF files
        settings = tifffile.matlabstr2py(tif.pages.first.software)
    if not isinstance(settings, Mapping) or "SI.hRoiManager.scanFrameRate" not in settings:
        older = "\n".join(re.findall(r"^scanimage\.(SI[45]?\..*)$", description, re.MULTILINE))
        settings = tifffile.matlabstr2py(older) if older else {}
    settings = {_today(name): value for name, value in settings.items()} if isinstance(settings, Mapping) else {}
    if not rois and (text := tif.pages.first.tags.valueof(ARTIST)):
        try:
            rois = json.loads(text)
        except ValueError:
            rois = None
    return settings, rois


def _today(name: str) -> str:
    version, _, rest = name.partition(".")
    return f"SI.{VERSION_4.get(rest, rest)}" if version in ("SI4", "SI5") else name


def _version_3(description: str) -> Metadata:
    """ScanImage 3: `state.acq.…`; slices are those of a slow stack, which the sheet must tell."""
    found = dict(re.findall(r"state\.acq\.(\w+)=([^\r\n]*)", description))

    def number(name: str) -> float:
        try:
            return float(found.get(name, 0))
        except ValueError:
            return 0.0

    averaged = max(1.0, number("numAvgFramesSave") if number("averaging") else 1.0)
    return Metadata(
        frame_rate=number("frameRate") / averaged or None,
        channels=int(number("numberOfChannelsSave")) or None,
        zoom=number("zoomFactor") or None,
        settings=settings_of(
            {f"state.acq.{name}": value for name, value in found.items()}, (("zoom", "state.acq.zoomFactor", positive),)
        ),
    )


def _metadata(path: Path, settings: Mapping[str, Any], fields: tuple[ScanField, ...]) -> Metadata:
    saved = settings.get("SI.hChannels.channelSave", 1)
    common: dict[str, Any] = {
        "channels": len(saved) if isinstance(saved, list | tuple) else 1,
        "pixel_size": fields[0].pixel_size if fields else _pixel_size(settings),
        "zoom": None if fields else _positive(settings.get("SI.hRoiManager.scanZoomFactor")),
        "fields": fields,
        # The field of several scan fields is that of none of them.
        "settings": settings_of(settings, [each for each in MICROSCOPE if not (fields and each[0] == "field_width")]),
    }
    averaged = max(1, int(settings.get("SI.hScan2D.logAverageFactor") or 1))
    # numSlices may be left over from an earlier stack; recent versions write how many were really taken.
    slices = int(settings.get("SI.hStackManager.actualNumSlices") or settings.get("SI.hStackManager.numSlices") or 1)
    frame_rate = float(settings["SI.hRoiManager.scanFrameRate"])
    if slices <= 1 or not settings.get("SI.hStackManager.enable", settings.get("SI.hFastZ.enable")):
        return Metadata(frame_rate / averaged, planes=1, **common)
    if len(fields) > 1:
        raise InputError(
            f"{path}: has {len(fields)} scan fields in each of {slices} planes, which this reader cannot tell apart; "
            "save each field as a TIFF file of its own"
        )
    repeats = settings.get("SI.hStackManager.framesPerSlice") or 1
    if repeats != averaged:
        raise InputError(
            f"{path}: ScanImage took {repeats} frames of each slice before the next (framesPerSlice) and averaged "
            f"{averaged}: frames of a plane are not evenly spaced in time; average those of each slice and save them"
        )
    flyback = _flyback(settings, slices * averaged)
    if flyback and averaged > 1:
        raise InputError(
            f"{path}: has flyback and averaged frames, whose order ScanImage does not tell; save it without flyback"
        )
    rate = _positive(settings.get("SI.hRoiManager.scanVolumeRate"))
    return Metadata(rate, slices, flyback=flyback * common["channels"], **common)


def _flyback(settings: Mapping[str, Any], imaged: int) -> int:
    """Frames of each channel at the end of a volume while the focus returns; older versions name them alone."""
    total = settings.get("SI.hStackManager.numFramesPerVolumeWithFlyback")
    if total:
        return int(total) - int(settings.get("SI.hStackManager.numFramesPerVolume") or imaged)
    return int(settings.get("SI.hFastZ.numDiscardFlybackFrames") or 0)


def _pixel_size(settings: Mapping[str, Any]) -> float | None:
    corners, pixels = settings.get("SI.hRoiManager.imagingFovUm"), settings.get("SI.hRoiManager.pixelsPerLine")
    if not corners or not pixels:
        return None
    width = np.ptp(np.asarray(corners, float)[:, 0])
    return float(width) / int(pixels) or None


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _fields(path: Path, settings: Mapping[str, Any], rois: Any, page: "tifffile.TiffPage") -> tuple[ScanField, ...]:
    """Scan fields of an mROI image: stacked in the order of the regions, with lines of no meaning between them."""
    if not settings.get("SI.hRoiManager.mroiEnable"):
        return ()
    height = page.imagelength
    if not rois and (told := line_fields(path, height, page.imagewidth)):
        return told
    try:
        regions = _listed(rois["RoiGroups"]["imagingRoiGroup"]["rois"])
        chosen = [_listed(region["scanfields"])[0] for region in regions if region.get("enable", 1)]
        sizes = [(field["sizeXY"], [int(size) for size in field["pixelResolutionXY"]]) for field in chosen]
    except (TypeError, KeyError, IndexError, ValueError):
        sizes = []
    between, rest = divmod(height - sum(pixels[1] for _, pixels in sizes), max(1, len(sizes) - 1))
    if not sizes or rest or between < 0 or (between and len(sizes) == 1):
        raise InputError(
            f"{path}: each image is several scan fields (ScanImage mroiEnable), and its metadata does not tell their "
            f"rows in an image of {height}; lay Suite2p's JSON with `lines` beside it as "
            f"{path.with_suffix('.json').name}, or split it into one TIFF file for each field"
        )
    micrometres = _positive(settings.get("SI.objectiveResolution"))
    fields, top = [], 0
    for degrees, (columns, rows) in sizes:
        pixel_size = micrometres * float(degrees[0]) / columns if micrometres else None
        fields.append(ScanField(top, rows, columns, pixel_size))
        top += rows + between
    return tuple(fields)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
