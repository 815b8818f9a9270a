"""From raw files to the canonical movie of one plane, as a stream: memory does not grow with the movie."""

import hashlib
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.io import atomic, create_movie
from groundtrace.movies.layout import Layout, lay_out
from groundtrace.movies.quality import MovieStatistics, Quality
from groundtrace.movies.raw import Raw, open_raw, source_files
from groundtrace.sessions import SUFFIXES, Format, Session

CHUNK = 64 * 2**20
"""Bytes read at a time."""
CHANNEL_FRAMES = 200
"""Frames, spread over the movie, in the mean image of a channel that is not analysed."""
INTEGERS = ("int16", "uint16", "int32")
"""What pixels of type float or of 64 bits, all whole numbers, are stored as: the first that holds every value."""


@dataclass(frozen=True)
class Ingested:
    """What ingest tells of one plane, besides the movie it wrote."""

    acquisition: Acquisition
    frames: pl.DataFrame
    """Table Frames."""
    quality: pl.DataFrame
    """Table RawQuality."""
    images: dict[str, FloatArray]
    """`mean`, `std`, `saturated`, and `channel_<k>`: means of the other channels; (height, width) float32."""


def ingest(session: Session, files: Sequence[Path], plane: int, movie_path: Path) -> Ingested:
    """Write one plane (0-based) of a session's functional channel as a canonical movie; check and describe it.

    `files` are the raw files (or folders) in order. The movie is written to `movie_path` as `.npy` (T, Y, X) in the
    detector's integer type, only when all is well. Raises InputError, naming file and next step.
    """
    if not 0 <= plane < session.planes:
        raise ValueError(f"plane {plane} is not one of the session's {session.planes}")
    with ExitStack() as stack:
        raws = [stack.enter_context(closing(open_raw(path, _format(session, path)))) for path in files]
        sources = [source_files(raw.path, raw.format) for raw in raws]
        stamps = _stamps(sources)
        digests = stack.enter_context(_hashing(sources))
        _check_alike(raws)
        layout = lay_out(session, raws)
        frame_rate = _frame_rate(session, raws[0])
        parts = _parts(raws, layout.frames(plane, session.functional_channel))
        dtype = _movie_type(parts)
        with atomic(movie_path) as temporary:
            quality = _write(temporary, parts, layout.volumes, dtype)
            images = quality.images | _other_channels(raws, layout, plane, session.functional_channel)
            hashes = digests()
            for raw, before, after in zip(raws, stamps, _stamps(sources), strict=True):
                if before != after:
                    raise InputError(f"{raw.path}: changed while it was read; wait until the acquisition has ended")
    acquisition = Acquisition(
        subject=session.subject,
        session=session.session,
        date=session.date,
        plane=plane,
        planes=session.planes,
        channels=session.channels,
        functional_channel=session.functional_channel,
        frames=layout.volumes,
        height=raws[0].height,
        width=raws[0].width,
        dtype=dtype.name,
        frame_rate=frame_rate,
        pixel_size=session.pixel_size or raws[0].metadata.pixel_size,
        indicator=session.indicator,
        location=session.location,
        saturation=quality.saturation,
        gain=quality.gain,
        offset=quality.offset,
        simulated=session.simulate is not None,
        sources=tuple(
            SourceFile(name=raw.path.name, sha256=digest, frames=raw.frames)
            for raw, digest in zip(raws, hashes, strict=True)
        ),
    )
    return Ingested(acquisition, quality.frames, quality.summary, images)


def _format(session: Session, path: Path) -> Format:
    format = session.format or SUFFIXES.get(path.suffix.lower())
    if format is None:
        raise InputError(f"{path}: has no suffix that names a format; fill the column format")
    return format


def _check_alike(raws: Sequence[Raw]) -> None:
    first = raws[0]
    names = {raw.path.name for raw in raws}
    for raw in raws:
        if (raw.height, raw.width, raw.dtype) != (first.height, first.width, first.dtype):
            raise InputError(
                f"{raw.path}: frames are {raw.height} × {raw.width} {raw.dtype}, those of {first.path.name} "
                f"{first.height} × {first.width} {first.dtype}; files of a session must be alike: use one row for each"
            )
        missing = [name for name in raw.metadata.members if name not in names]
        if missing and raw.path.name in raw.metadata.members:
            raise InputError(
                f"{raw.path}: is one of {len(raw.metadata.members)} files of a data set, {missing[0]} is not in the "
                "sheet; write all of them in the column path, for example as a glob"
            )


def _frame_rate(session: Session, raw: Raw) -> float:
    """Hz of one plane: that of the sheet, else that of the file."""
    found = raw.metadata.frame_rate
    if found is not None and raw.metadata.planes is None:
        # A file that does not know of its planes tells the rate of single frames.
        found /= session.planes
    found = found if found is not None and math.isfinite(found) and found > 0 else None
    if session.frame_rate is None:
        if found is None:
            raise InputError(
                f"{raw.path}: has no frame rate in its metadata, and the sheet none for sub-{session.subject} "
                f"ses-{session.session}; fill the column frame_rate (Hz)"
            )
        return found
    if found is not None and abs(found / session.frame_rate - 1) > 0.02:
        warnings.warn(
            f"{raw.path}: its metadata says {found:.4g} Hz per plane, the sheet {session.frame_rate:.4g} Hz, which "
            "is used; if it is wrong, correct or empty the column frame_rate",
            stacklevel=3,
        )
    return session.frame_rate


def _parts(raws: Sequence[Raw], frames: IntArray) -> list[tuple[Raw, IntArray]]:
    """Split frame numbers of the session into those of its files."""
    ends = np.cumsum([raw.frames for raw in raws])
    cuts = np.split(frames, np.searchsorted(frames, ends[:-1]))
    return [(raw, cut - (end - raw.frames)) for raw, cut, end in zip(raws, cuts, ends, strict=True) if len(cut)]


def _chunks(parts: Sequence[tuple[Raw, IntArray]]) -> Iterator[tuple[Raw, IntArray, NDArray[Any]]]:
    """Read all frames in chunks: the file, the frames' numbers in it, and their pixels, valid until the next chunk."""
    raw = parts[0][0]
    sizes = [_chunk_size(raw, frames) for raw, frames in parts]
    buffer = np.empty((max(sizes), raw.height, raw.width), raw.dtype)
    for (raw, frames), size in zip(parts, sizes, strict=True):
        for start in range(0, len(frames), size):
            numbers = frames[start : start + size]
            raw.read(numbers, buffer[: len(numbers)])
            yield raw, numbers, buffer[: len(numbers)]


def _chunk_size(raw: Raw, frames: IntArray) -> int:
    """Frames to read at a time: about CHUNK bytes, in whole blocks of the file where these are not much larger."""
    frame_bytes = raw.height * raw.width * raw.dtype.itemsize
    size = max(1, CHUNK // frame_bytes)
    step = int(frames[1] - frames[0]) if len(frames) > 1 else 1
    if raw.block > 1 and raw.block * frame_bytes <= 2 * CHUNK:
        size = max(1, max(raw.block, size * step // raw.block * raw.block) // step)
    return min(size, len(frames))


def _movie_type(parts: Sequence[tuple[Raw, IntArray]]) -> np.dtype[Any]:
    """The files' integer type; for float and 64-bit files one that holds every value, found by reading them through."""
    stored = parts[0][0].dtype
    if stored.kind in "iu" and stored.itemsize <= 4:
        return stored
    low, high = math.inf, -math.inf
    for raw, numbers, chunk in _chunks(parts):
        if not np.isfinite(chunk).all():
            frame = numbers[~np.isfinite(chunk).all(axis=(1, 2))][0]
            raise InputError(
                f"{raw.path}: raw frame {frame} has NaN or infinite pixels; export the detector's integers"
            )
        fractions = chunk[chunk != np.rint(chunk)]
        if len(fractions):
            raise InputError(
                f"{raw.path}: pixels are {stored} with fractions (such as {fractions[0]:.6g}), movies are kept in "
                "whole numbers; export the detector's integers, or multiply by a constant that makes all pixels whole "
                f"and save as {' or '.join(INTEGERS)}"
            )
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    for name in INTEGERS:
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            return np.dtype(name)
    raise InputError(
        f"{parts[0][0].path}: pixels range from {low:.6g} to {high:.6g}, more than {INTEGERS[-1]} holds; export the "
        "detector's integers"
    )


def _write(path: Path, parts: Sequence[tuple[Raw, IntArray]], volumes: int, dtype: np.dtype[Any]) -> Quality:
    """Write the movie to `path` and take its statistics on the way."""
    raw = parts[0][0]
    start = create_movie(path, (volumes, raw.height, raw.width), dtype).offset  # pyright: ignore
    statistics = MovieStatistics(volumes, raw.height, raw.width, dtype)
    # Written, not memory-mapped: the pages of a map count as resident memory.
    with path.open("r+b") as handle, ThreadPoolExecutor(1) as writer:
        handle.seek(start)
        for _, _, chunk in _chunks(parts):
            frames = chunk.astype(dtype, copy=False)
            writing = writer.submit(handle.write, frames.data)
            statistics.add(frames)
            writing.result()
    if statistics.constant:
        raise InputError(
            f"{raw.path}: is no movie, {statistics.constant}; check the microscope and leave the session out"
        )
    return statistics.quality()


def _other_channels(raws: Sequence[Raw], layout: Layout, plane: int, functional: int) -> dict[str, FloatArray]:
    """Mean images of the channels that are not analysed, from frames spread over the movie."""
    images = {}
    some = np.unique(np.linspace(0, layout.volumes - 1, min(CHANNEL_FRAMES, layout.volumes)).astype(int))
    for channel in range(1, layout.channels + 1):
        if channel != functional:
            frames = layout.frames(plane, channel)[some]
            total = np.zeros((raws[0].height, raws[0].width))
            for _, _, chunk in _chunks(_parts(raws, frames)):
                total += chunk.sum(axis=0, dtype=float)
            images[f"channel_{channel}"] = (total / len(frames)).astype(np.float32)
    return images


def _stamps(sources: Sequence[Sequence[Path]]) -> list[list[tuple[int, int]]]:
    """Size and time of change of every file."""
    states = [[os.stat(path) for path in paths] for paths in sources]
    return [[(state.st_size, state.st_mtime_ns) for state in group] for group in states]


@contextmanager
def _hashing(sources: Sequence[Sequence[Path]]) -> Iterator[Callable[[], list[str]]]:
    """Hash the files beside the reading, which leaves them in the page cache; the result waits for the last one."""
    stop = Event()

    def digest(paths: Sequence[Path]) -> str:
        whole, buffer = hashlib.sha256(), bytearray(2**22)
        for path in paths:
            with path.open("rb", buffering=0) as handle:
                while (size := handle.readinto(buffer)) and not stop.is_set():
                    whole.update(memoryview(buffer)[:size])
        return whole.hexdigest()

    with ThreadPoolExecutor(1) as pool:
        try:
            waiting = [pool.submit(digest, paths) for paths in sources]
            yield lambda: [each.result() for each in waiting]
        finally:
            stop.set()
