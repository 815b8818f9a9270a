"""AVI, as cameras and miniscopes write it: grey values as they are; of a compressed one the brightness, said so."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import note, tell_cut_short
from groundtrace.movies.raw import Format, Metadata, Raw

LOSSLESS = ("rawvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "zlib", "lagarith")
COLOURS = ("rgb24", "bgr24", "rgba", "bgra", "rgb0", "bgr0", "gbrp")
"""Red, green and blue; grey values are often saved as three that are equal."""
GREYS = ("gray", "pal8", "yuvj4", "yuv420p", "yuv422p", "yuv444p", "nv12")
"""Formats whose first plane is the brightness, or an index into a palette of greys."""


class AviRaw(Raw):
    """One AVI file. Frames are decoded in their order: an earlier one begins again from the start."""

    def __init__(self, path: Path):
        import av

        with av.open(path) as container:
            stream = _stream(path, container)
            rate, codec = stream.average_rate, stream.codec_context.name
            frames = sum(1 for packet in container.demux(stream) if packet.size and not packet.is_corrupt)
            if frames < stream.frames:
                tell_cut_short(path, frames, stream.frames)
        self.broken_off = frames < stream.frames
        self._next, self._decoded = 0, _decoded(path)
        first = next(_decoded(path), None)
        if first is None:
            raise InputError(f"{path}: holds no image; copy it again from the microscope")
        if codec not in LOSSLESS:
            note(
                path,
                f"is compressed ({codec}), which changes pixels and smooths noise, so that ν and what is expected of "
                "spikes are too good; use the movie that it was made from",
                "compressed",
            )
        metadata = Metadata(frame_rate=float(rate) if rate else None)
        super().__init__(path, frames=frames, image=first.shape, dtype=first.dtype, metadata=metadata)

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        for place, number in enumerate(frames):
            if number < self._next:
                self.close()
                self._next, self._decoded = 0, _decoded(self.path)
            while self._next < number:
                self._frame()
            out[place] = self._frame()

    def _frame(self) -> NDArray[Any]:
        image = next(self._decoded, None)
        if image is None:
            raise InputError(f"{self.path}: frame {self._next} of {self.frames} cannot be decoded; copy it again")
        self._next += 1
        return image

    def close(self) -> None:
        self._decoded.close()  # and with it the file


def _stream(path: Path, container: Any) -> Any:
    if not container.streams.video:
        raise InputError(f"{path}: holds no video; correct the column path")
    return container.streams.video[0]


def _decoded(path: Path) -> Generator[NDArray[Any]]:
    import av

    with av.open(path) as container:
        for frame in container.decode(_stream(path, container)):
            yield _grey(path, frame)


def _grey(path: Path, frame: Any) -> NDArray[Any]:
    """Grey values (height, width) of a decoded frame, without a conversion that would scale them."""
    name = frame.format.name
    if name in COLOURS:
        red, green, blue = np.moveaxis(frame.to_ndarray(format="rgb24"), 2, 0)
        if not (np.array_equal(red, green) and np.array_equal(green, blue)):
            raise InputError(f"{path}: is a colour video; export the grey values of the channel as a TIFF stack")
        return red
    if not name.startswith(GREYS) or frame.format.components[0].bits > 16:
        raise InputError(f"{path}: its pixels are {name}, which are no grey values; export it as a TIFF stack")
    plane, dtype = frame.planes[0], np.dtype({"le": "<u2", "be": ">u2"}.get(name[-2:], "u1"))
    rows = np.frombuffer(plane, dtype).reshape(frame.height, -1)
    return rows[:, : frame.width].astype(dtype.newbyteorder("="))


FORMAT = Format(AviRaw, suffixes=(".avi",), magic=(b"RIFF",))
