"""Scanbox: `<name>.sbx` beside its `<name>.mat`.

Frames are (row, column, channel), inverted (65535 is dark), planes of the optotune interleaved. Read here and not
through roiextractors 0.10, which keeps whole Hz of the frame rate and only one channel and one plane; its layout of the
file is otherwise the same (sbxread.m, scanbox.org).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.notes import tell_cut_short
from groundtrace.movies.raw import Format, Metadata, Raw
from groundtrace.movies.settings import Read, positive, settings_of
from groundtrace.movies.stored_frames import read_frames

MICROSCOPE: tuple[tuple[str, str, Read], ...] = (
    ("objective", "objective", str),
    ("scanner", "resfreq", lambda rate: "resonant" if positive(rate) else ""),
    ("scanner_rate", "resfreq", positive),
    ("bidirectional", "scanmode", lambda mode: int(mode) == 0),
    ("wavelength", "config.wavelength", positive),
    ("pmt_gain", "config.pmt0_gain", lambda gain: (float(gain),)),
)
"""Settings of the microscope: our name, Scanbox's, and how it is read."""


class ScanboxRaw(Raw):
    def __init__(self, path: Path):
        if not path.with_suffix(".mat").is_file():
            raise InputError(
                f"{path}: its {path.stem}.mat, which holds the frame size, is not beside it; copy it there"
            )
        info = _scanbox_info(path.with_suffix(".mat"))
        self._channels = 2 if info.get("channels", -1) == 1 else 1
        if "chan" in info:  # Scanbox 3 and later
            self._channels = int(info["chan"].nchan)
        unidirectional = int(info["scanmode"])
        lines = int(info["recordsPerBuffer"]) * (1 if unidirectional else 2)
        columns = int(np.atleast_1d(info.get("sz", (512, 796)))[1])
        size = lines * columns * self._channels * 2
        samples, rest = divmod(path.with_suffix(".sbx").stat().st_size, size)
        if rest:
            tell_cut_short(path, samples)
        self.broken_off = bool(rest)
        planes = _planes(info)
        rate = float(info["resfreq"]) * (2 - unidirectional) / float(info["config"].lines)
        super().__init__(
            path,
            frames=samples * self._channels,
            image=(lines, columns),
            dtype=np.dtype(np.uint16),
            metadata=Metadata(
                frame_rate=rate / planes,
                planes=planes,
                channels=self._channels,
                settings=settings_of(info | {f"config.{k}": v for k, v in vars(info["config"]).items()}, MICROSCOPE),
            ),
        )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        samples, channel = np.divmod(frames.astype(np.int64), self._channels)
        stored = out[..., None] if self._channels == 1 else np.empty((*out.shape, self._channels), np.uint16)
        with self.path.with_suffix(".sbx").open("rb") as handle:
            read_frames(handle.fileno(), samples * stored[0].nbytes, stored)
        for position, which in enumerate(channel):
            np.invert(stored[position, :, :, which].astype("<u2", copy=False), out=out[position])


def _planes(info: dict[str, Any]) -> int:
    """Steps of the optotune's wave; Scanbox 3 and later tell them in a table, or in the period of the wave."""
    wave, table = (np.atleast_1d(info.get(name, ())) for name in ("otwave", "etl_table"))
    if not info.get("volscan", len(wave)):
        return 1
    period = np.atleast_1d(info.get("otparam", ()))
    return len(wave) or len(table) or (int(period[2]) if len(period) > 2 else 1)


def _scanbox_info(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    info = loadmat(path, struct_as_record=False, squeeze_me=True)["info"]
    return vars(info)


def _files(path: Path) -> tuple[Path, ...]:
    return tuple(part for part in (path.with_suffix(".mat"), path.with_suffix(".sbx")) if part.is_file())


FORMAT = Format(ScanboxRaw, suffixes=(".sbx",), files=_files)
