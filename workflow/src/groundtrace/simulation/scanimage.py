"""Write a movie as ScanImage does: a BigTIFF with the acquisition's settings in its header and Software tag."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tifffile import TiffWriter

from groundtrace.arrays import IntArray

MAGIC, VERSION = 0x07030301, 4
"""First numbers of the block behind the BigTIFF header (ScanImage BigTIFF specification)."""


@dataclass(frozen=True)
class Layout:
    """Size and rate of a recording of one channel."""

    frames: int
    """Per plane."""
    planes: int
    height: int
    width: int
    frame_rate: float
    """Hz, of a plane."""
    pixel_size: float
    """µm."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the file: all images in order of acquisition."""
        return self.frames * self.planes, self.height, self.width

    def settings(self) -> str:
        """ScanImage's description of the recording, one `name = MATLAB literal` a line."""
        stack = "true" if self.planes > 1 else "false"
        x, y = self.width * self.pixel_size / 2, self.height * self.pixel_size / 2
        values = {
            "VERSION_MAJOR": 2020,
            "VERSION_MINOR": 0,
            "hChannels.channelSave": 1,
            "hFastZ.enable": stack,
            "hFastZ.numDiscardFlybackFrames": 0,
            "hRoiManager.imagingFovUm": f"[{-x:.9g} {-y:.9g};{x:.9g} {-y:.9g};{x:.9g} {y:.9g};{-x:.9g} {y:.9g}]",
            "hRoiManager.linesPerFrame": self.height,
            "hRoiManager.pixelsPerLine": self.width,
            "hRoiManager.scanFramePeriod": f"{1 / (self.frame_rate * self.planes):.9g}",
            "hRoiManager.scanFrameRate": f"{self.frame_rate * self.planes:.9g}",
            "hRoiManager.scanVolumeRate": f"{self.frame_rate:.9g}",
            "hStackManager.enable": stack,
            "hStackManager.numSlices": self.planes,
            "hStackManager.actualNumSlices": self.planes,
            "hStackManager.framesPerSlice": 1 if self.planes > 1 else self.frames,
            "hStackManager.numFramesPerVolume": self.planes,
            "hStackManager.numFramesPerVolumeWithFlyback": self.planes,
            "hStackManager.numVolumes": self.frames if self.planes > 1 else 1,
            "hStackManager.actualNumVolumes": self.frames if self.planes > 1 else 1,
        }
        return "\n".join(f"SI.{name} = {value}" for name, value in values.items())


def write_scanimage(path: Path, images: Iterator[IntArray], layout: Layout, dtype: np.dtype) -> None:
    """Stream `images`, in order of acquisition, to `path`; pixel data in one piece.

    Holds no time of writing: the same images make the same file.
    """
    settings = layout.settings()
    per_centimetre = 1e4 / layout.pixel_size
    with TiffWriter(path, bigtiff=True, byteorder="<") as writer:
        writer.filehandle.write(_static_block(settings))
        writer.write(
            images,
            shape=layout.shape,
            dtype=dtype,
            photometric="minisblack",
            metadata=None,
            software=settings,
            description="frameNumbers = 1\ncomments = 'simulated by groundtrace'",
            resolution=(per_centimetre, per_centimetre),
            resolutionunit="CENTIMETER",
        )


def _static_block(text: str) -> bytes:
    """Magic, version, lengths, settings and regions of interest (none), in a multiple of 16 bytes."""
    static = text.encode() + b"\0"
    regions = json.dumps({"RoiGroups": {"imagingRoiGroup": None, "photostimRoiGroups": None}}).encode() + b"\0"
    block = struct.pack("<IIII", MAGIC, VERSION, len(static), len(regions)) + static + regions
    return block + b"\0" * (-len(block) % 16)
