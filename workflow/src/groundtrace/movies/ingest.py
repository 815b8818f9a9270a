"""From raw files to the canonical movie of one plane, as a stream: memory does not grow with the movie."""

import hashlib
import math
import os
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
from groundtrace.io import atomic
from groundtrace.movies.agreement import SAME, check_alike, in_their_order
from groundtrace.movies.alternation import ENOUGH, LOOKED_AT, check_planes, check_turns
from groundtrace.movies.excluded import read_excluded
from groundtrace.movies.file import MovieFile, create_movie, open_movie
from groundtrace.movies.layout import Layout, flyback_of, lay_out
from groundtrace.movies.notes import note
from groundtrace.movies.opening import open_raw, reading, source_files
from groundtrace.movies.quality import MovieStatistics, Quality
from groundtrace.movies.raw import Raw
from groundtrace.movies.scan_fields import in_field
from groundtrace.movies.settings import all_settings
from groundtrace.movies.timing import stamped_rate, time_frames
from groundtrace.notices import noting
from groundtrace.sessions import Session

CHUNK = 64 * 2**20
"""Bytes read at a time."""
SOME_FRAMES = 200
"""Frames, spread over the movie, in the mean image of another channel or plane."""
LIKELY = 0.2, 1000.0
"""Hz, of a plane."""
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
        notes = stack.enter_context(noting())
        raws, layout = stack.enter_context(_opened(session, files))
        sources = [source_files(raw) for raw in raws]
        stamps = _stamps(sources)
        digests = stack.enter_context(_hashing(sources))
        parts = _parts(raws, layout.frames(plane, session.functional_channel))
        frame_rate = frame_rate_of(session, raws[0], stamped_rate(parts))
        timing = time_frames(parts, frame_rate)
        excluded = (
            read_excluded(session.exclude).mask(timing.time) if session.exclude else np.zeros(layout.volumes, bool)
        )
        dtype = _movie_type(parts)
        with atomic(movie_path) as temporary:
            quality = _write(temporary, parts, layout.volumes, dtype)
            _check_layout(session, raws, layout, temporary)
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
        notes=tuple(said.kept for said in notes),
        settings=all_settings(raws[0].metadata),
        sources=tuple(
            SourceFile(name=raw.path.name, sha256=digest, frames=raw.frames)
            for raw, digest in zip(raws, hashes, strict=True)
        ),
    )
    more = {"excluded": excluded, "time": timing.time, "segment": timing.segment.astype(np.int32)}
    frames = quality.frames.with_columns(pl.Series(name, values) for name, values in more.items())
    return Ingested(acquisition, frames, quality.summary, images)


def frame_times(session: Session, files: Sequence[Path]) -> FloatArray:
    """(n_frames,) s, as ingest times the first plane of a session; raises InputError where it would."""
    with _opened(session, files) as (raws, layout):
        parts = _parts(raws, layout.frames(0, session.functional_channel))
        return time_frames(parts, frame_rate_of(session, raws[0], stamped_rate(parts))).time


@contextmanager
def _opened(session: Session, files: Sequence[Path]) -> Iterator[tuple[list[Raw], Layout]]:
    """A session's raw files, in order, and what is where in them."""
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(open_raw(path, session.format_of(path)))) for path in files]
        raws = in_their_order([in_field(session, raw) for raw in opened])
        check_alike(raws)
        yield raws, lay_out(session, raws)


def frame_rate_of(session: Session, raw: Raw, stamped: float | None) -> float:
    """Hz of one plane: that of the sheet, else that of the file's metadata, else that of its stamps."""
    found = raw.metadata.frame_rate
    if found is not None and raw.metadata.planes is None:
        # A file that does not know of its planes tells the rate of single frames.
        found *= session.channels / (session.planes * session.channels + flyback_of(session, raw))
    found = found if found is not None and math.isfinite(found) and found > 0 else None
    rate = session.frame_rate or found or stamped
    if rate is None:
        raise InputError(
            f"{raw.path}: has no frame rate in its metadata, and the sheet none for sub-{session.subject} "
            f"ses-{session.session}; fill the column frame_rate (Hz)"
        )
    for source, other in (("metadata says", found), ("time stamps say", stamped)):
        if other is not None and abs(other / rate - 1) > SAME:
            used = "sheet" if session.frame_rate else "metadata"
            note(
                raw.path,
                f"its {source} {other:.4g} Hz per plane, the {used} {rate:.4g} Hz, which is used; if it is "
                f"wrong, {'correct or empty' if session.frame_rate else 'fill'} the column frame_rate",
                "frame_rate_differs",
            )
    if not LIKELY[0] <= rate <= LIKELY[1]:
        note(
            raw.path,
            f"{rate:.4g} Hz is no likely frame rate; are its times in seconds? Fill the column frame_rate (Hz)",
            "frame_rate_unlikely",
        )
    return rate


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
            with reading(raw.path, raw.format):
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
    movie, start = create_movie(path, (volumes, raw.height, raw.width), dtype), 0
    statistics = MovieStatistics(volumes, raw.height, raw.width, dtype)
    with ThreadPoolExecutor(1) as writer:
        for _, _, chunk in _chunks(parts):
            frames = chunk.astype(dtype, copy=False)
            writing = writer.submit(movie.__setitem__, slice(start, start + len(frames)), frames)
            statistics.add(frames)
            writing.result()
            start += len(frames)
    if statistics.constant:
        raise InputError(
            f"{raw.path}: is no movie, {statistics.constant}; check the microscope and leave the session out"
        )
    return statistics.quality(movie)


def _other_channels(raws: Sequence[Raw], layout: Layout, plane: int, functional: int) -> dict[str, FloatArray]:
    """Mean images of the channels that are not analysed."""
    others = [channel for channel in range(1, layout.channels + 1) if channel != functional]
    return {f"channel_{channel}": _some_mean(raws, layout, plane, channel) for channel in others}


def _some_mean(raws: Sequence[Raw], layout: Layout, plane: int, channel: int) -> FloatArray:
    """Mean image of frames spread over the movie."""
    some = np.unique(np.linspace(0, layout.volumes - 1, min(SOME_FRAMES, layout.volumes)).astype(int))
    total = np.zeros((raws[0].height, raws[0].width))
    for _, _, chunk in _chunks(_parts(raws, layout.frames(plane, channel)[some])):
        total += chunk.sum(axis=0, dtype=float)
    return (total / len(some)).astype(np.float32)


def _check_layout(session: Session, raws: Sequence[Raw], layout: Layout, movie: Path) -> None:
    """Do the images agree with the planes and channels of the sheet, where no file tells them."""
    told = raws[0].metadata
    if layout.volumes < ENOUGH:
        return
    if told.planes is None or told.channels is None:
        check_turns(raws[0].path, _strip(open_movie(movie)), session.planes, session.channels)
    if told.planes is None and session.planes > 1:
        channel = session.functional_channel
        check_planes(raws[0].path, [_some_mean(raws, layout, plane, channel) for plane in range(session.planes)])


def _strip(movie: MovieFile) -> FloatArray:
    """Some rows in the middle of the first frames."""
    frames, (_, height, width) = min(LOOKED_AT, len(movie)), movie.shape
    rows = max(1, min(height, CHUNK // (2 * frames * width * 4)))
    return movie[:frames, slice((height - rows) // 2, (height + rows) // 2)]


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
