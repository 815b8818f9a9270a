"""Write a movie as ScanImage does: a BigTIFF with the acquisition's settings in its header and Software tag."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tifffile import TiffWriter

from groundtrace.arrays import IntArray

MAGIC, VERSION = 0x07030301, 4
"""Of the block behind the BigTIFF header (ScanImage BigTIFF specification)."""


def settings(
    frames: int, planes: int, shape: tuple[int, int], frame_rate: float, pixel_size: float
) -> dict[str, str]:
    """ScanImage's name and MATLAB literal of what describes a recording of one channel.

    frames: per plane. frame_rate: Hz, of a plane. pixel_size: µm.
    """
    stack = planes > 1
    half_height, half_width = (size * pixel_size / 2 for size in shape)
    corners = ((-half_width, -half_height), (half_width, -half_height), (half_width, half_height), (-half_width, half_height))
    return {
        "SI.VERSION_MAJOR": "2020",
        "SI.VERSION_MINOR": "0",
        "SI.hChannels.channelSave": "1",
        "SI.hFastZ.enable": _logical(stack),
        "SI.hFastZ.numDiscardFlybackFrames": "0",
        "SI.hRoiManager.imagingFovUm": "[" + ";".join(f"{x:.9g} {y:.9g}" for x, y in corners) + "]",
        "SI.hRoiManager.linesPerFrame": str(shape[0]),
        "SI.hRoiManager.pixelsPerLine": str(shape[1]),
        "SI.hRoiManager.scanFramePeriod": f"{1 / (frame_rate * planes):.9g}",
        "SI.hRoiManager.scanFrameRate": f"{frame_rate * planes:.9g}",
        "SI.hRoiManager.scanVolumeRate": f"{frame_rate:.9g}",
        "SI.hStackManager.enable": _logical(stack),
        "SI.hStackManager.numSlices": str(planes),
        "SI.hStackManager.actualNumSlices": str(planes),
        "SI.hStackManager.framesPerSlice": "1" if stack else str(frames),
        "SI.hStackManager.numFramesPerVolume": str(planes),
        "SI.hStackManager.numFramesPerVolumeWithFlyback": str(planes),
        "SI.hStackManager.numVolumes": str(frames if stack else 1),
        "SI.hStackManager.actualNumVolumes": str(frames if stack else 1),
    }


def _logical(value: bool) -> str:
    return "true" if value else "false"


def write_scanimage(
    path: Path, images: Iterator[IntArray], shape: tuple[int, int, int], dtype: np.dtype, header: dict[str, str]
) -> None:
    """Stream `images` (shape[0] of them, in order of acquisition) to `path`, pixel data in one piece.

    header: from `settings`. Holds no time of writing: the same images make the same file.
    """
    text = "\n".join(f"{name} = {value}" for name, value in header.items())
    corner = header["SI.hRoiManager.imagingFovUm"].strip("[]").split(";")[2].split()
    resolution = tuple(size / (2 * float(half) * 1e-4) for size, half in zip((shape[2], shape[1]), corner, strict=True))
    with TiffWriter(path, bigtiff=True, byteorder="<") as writer:
        writer.filehandle.write(_static_block(text))
        writer.write(
            images,
            shape=shape,
            dtype=dtype,
            photometric="minisblack",
            metadata=None,
            software=text,
            description="frameNumbers = 1\ncomments = 'simulated by groundtrace'",
            resolution=resolution,
            resolutionunit="CENTIMETER",
        )


def _static_block(text: str) -> bytes:
    """Magic, version, lengths, settings and regions of interest (none), in a multiple of 16 bytes."""
    static = text.encode() + b"\0"
    regions = json.dumps({"RoiGroups": {"imagingRoiGroup": None, "photostimRoiGroups": None}}).encode() + b"\0"
    block = struct.pack("<IIII", MAGIC, VERSION, len(static), len(regions)) + static + regions
    return block + b"\0" * (-len(block) % 16)
