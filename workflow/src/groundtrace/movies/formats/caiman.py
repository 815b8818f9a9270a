"""CaImAn's `.mmap`: frames of one plane as float32, motion-corrected, with size and order in the file's name."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import note, tell_cut_short
from groundtrace.movies.raw import Format, Raw

NAME = re.compile(r"_d1_(\d+)_d2_(\d+)_d3_(\d+)_order_([CF])_frames_(\d+)")
SAMPLED = 100
"""Frames that tell the range of the pixels."""
STEPS = 4096
"""Whole numbers that the range of pixels with fractions has at least: finer than the noise of any detector."""
BLOCK = 64
"""Frames that are read together where the file holds one pixel after the other."""


class CaimanRaw(Raw):
    def __init__(self, path: Path):
        found = NAME.search(path.name)
        if found is None:
            raise InputError(
                f"{path}: its name does not tell its size (…_d1_512_d2_512_d3_1_order_F_frames_1000.mmap); give it the "
                "name back that CaImAn gave"
            )
        height, width, depth, frames = (int(found[k]) for k in (1, 2, 3, 5))
        if depth != 1:
            raise InputError(f"{path}: is a volume (d3 is {depth}); save each plane in a file of its own")
        order, whole = found[4], path.stat().st_size // (4 * height * width)
        if whole < frames:
            if order == "C":
                raise InputError(f"{path}: is cut short, and holds one pixel after the other; copy it again")
            tell_cut_short(path, whole, frames)
        held = frames if order == "C" else min(whole, frames)
        # Pixels run down the columns: the file is (frame, pixel) in order F, and (pixel, frame) in order C.
        stored = (height * width, held) if order == "C" else (held, height * width)
        pixels = np.memmap(path, "<f4", "r", shape=stored)
        self._pixels = pixels if order == "C" else pixels.T
        self.block = BLOCK if order == "C" else 1
        self._scale, self._least = self._range(path)
        super().__init__(path, frames=self._pixels.shape[1], image=(height, width), dtype=np.dtype("<i4"))

    def _range(self, path: Path) -> tuple[float, float]:
        """What pixels are multiplied by before they are rounded, and what stands for those without a value."""
        count = self._pixels.shape[1]
        some = self._pixels[:, np.unique(np.linspace(0, count - 1, min(SAMPLED, count)).astype(int))]
        values = some[np.isfinite(some)]
        if not values.size:
            raise InputError(f"{path}: has no finite pixel; run motion correction in CaImAn again")
        low, high = float(values.min()), float(values.max())
        if (values == np.rint(values)).all():
            return 1.0, low
        scale = 2.0 ** max(0, np.ceil(np.log2(STEPS / max(high - low, 1e-9))))
        note(
            path,
            f"has pixels with fractions, as CaImAn leaves them; they are multiplied by {scale:g} and rounded, and "
            "noise is smoothed by its interpolation; better, use the raw movie that it was made from",
            "scaled",
        )
        return scale, low

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        values: FloatArray = np.array(self._pixels[:, frames], np.float64)
        values[~np.isfinite(values)] = self._least
        out[:] = np.rint(values * self._scale).reshape(self.height, self.width, -1, order="F").transpose(2, 0, 1)


FORMAT = Format(CaimanRaw, suffixes=(".mmap",), registered=lambda path: True)
