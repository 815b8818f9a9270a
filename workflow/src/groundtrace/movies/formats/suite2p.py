"""Suite2p's `data.bin`, int16 frames of one plane and channel, with the settings beside it (`ops.npy`)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import note, tell_cut_short
from groundtrace.movies.raw import Format, Metadata, Raw
from groundtrace.movies.stored_frames import read_frames
from groundtrace.suite2p_settings import read_settings

SETTINGS = ("settings.npy", "db.npy", "reg_outputs.npy", "ops.npy")
"""Of all versions, the later in the list the stronger: ops.npy holds all until Suite2p 0.14."""


class Suite2pRaw(Raw):
    def __init__(self, path: Path):
        settings: dict[str, Any] = {}
        for name in SETTINGS:
            if (file := path.parent / name).is_file():
                settings |= read_settings(file)
        height, width = (int(settings.get(name) or 0) for name in ("Ly", "Lx"))
        if not height or not width:
            raise InputError(f"{path}: no frame size (Ly, Lx) in an ops.npy beside it; copy Suite2p's ops.npy there")
        frames, rest = divmod(path.stat().st_size, height * width * 2)
        expected = int(settings.get("nframes") or frames)
        self.broken_off = bool(rest) or frames < expected
        if self.broken_off:
            tell_cut_short(path, frames, expected)
        if registered(path):
            note(
                path,
                "was moved frame by frame by Suite2p, and is taken as it is: its motion is not corrected again; for "
                "shifts with known errors, use the raw movie that it was made from",
                "moved_already",
            )
        rate = float(settings.get("fs") or 0) or None
        super().__init__(
            path,
            frames=frames,
            image=(height, width),
            dtype=np.dtype("<i2"),
            metadata=Metadata(rate, planes=1, channels=1),
        )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        with self.path.open("rb") as handle:
            read_frames(handle.fileno(), frames.astype(np.int64) * out[0].nbytes, out)


def registered(path: Path) -> bool:
    """Suite2p writes `data_raw.bin` before motion correction and `data.bin` after it."""
    return "raw" not in path.stem


FORMAT = Format(Suite2pRaw, suffixes=(".bin",), registered=registered)
