"""Speed and memory of ingest against a plain copy of the same file, in one run.

    PYTHONPATH=workflow/src python measurements/ingest.py --frames 9000 --folder /tmp

Writes a 512 × 512 uint16 movie of Poisson photons in several formats, then copies and ingests each in turn and prints
wall time, throughput, the ratio to the copy, and the peak resident memory of the ingest process. Every file is in the
page cache (as far as it fits there) when it is read.
"""

import argparse
import multiprocessing
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session


def photons(frames: int, size: int, gain: int = 60, offset: int = 200) -> Iterator[np.ndarray]:
    """Frames of a field with contrast, from a pool of 64 so that writing is not what takes the time."""
    generator = np.random.default_rng(0)
    field = np.outer(np.linspace(0.5, 6, size), np.linspace(0.5, 1.5, size))
    pool = [(offset + gain * generator.poisson(field)).astype(np.uint16) for _ in range(64)]
    for frame in range(frames):
        yield pool[generator.integers(64)] if frame % 2 else np.roll(pool[frame // 2 % 64], frame, axis=0)


def write(path: Path, frames: int, size: int) -> None:
    images = photons(frames, size)
    if path.suffix == ".npy":
        movie = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=(frames, size, size))
        for frame, image in enumerate(images):
            movie[frame] = image
    elif path.suffix == ".h5":
        import h5py

        with h5py.File(path, "w") as store:
            data = store.create_dataset("data", (frames, size, size), np.uint16, chunks=(16, size, size))
            for frame, image in enumerate(images):
                data[frame] = image
    else:
        options = {"compression": "zlib", "compressionargs": {"level": 1}} if "compressed" in path.name else {}
        with tifffile.TiffWriter(path, bigtiff=True) as writer:
            for image in images:
                writer.write(image, contiguous=False, metadata=None, **options)


def peak_memory() -> float:
    """MiB resident at most; unlike getrusage it does not count what the parent process held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def timed_ingest(path: Path, out: Path, planes: int, results: multiprocessing.Queue) -> None:
    session = Session(subject="bench", session="1", path=str(path), planes=planes, frame_rate=30, indicator="GCaMP6s")
    start, used = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ingest(session, [path], 0, out)
    results.put((time.perf_counter() - start, time.process_time() - used, peak_memory()))


def measure(path: Path, out: Path, planes: int = 1) -> tuple[float, float, float]:
    """Seconds, seconds of processor time, and MiB of an ingest in a process of its own."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=timed_ingest, args=(path, out, planes, results))
    process.start()
    found = results.get()
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=9000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--folder", type=Path, default=Path("."))
    parser.add_argument("--formats", nargs="*", default=["movie.tif", "compressed.tif", "movie.h5", "movie.npy"])
    arguments = parser.parse_args()
    folder = arguments.folder / "groundtrace-benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    pixels = arguments.frames * arguments.size**2
    print(f"{arguments.frames} frames of {arguments.size} × {arguments.size} uint16: {pixels * 2 / 2**30:.2f} GiB")
    try:
        for name in arguments.formats:
            path, copy, out = folder / name, folder / f"copy-{name}", folder / "out.npy"
            write(path, arguments.frames, arguments.size)
            start = time.perf_counter()
            with path.open("rb") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, 2**26)
            copied = time.perf_counter() - start
            copy.unlink()
            for planes in (1, 4) if name == "movie.tif" else (1,):
                elapsed, used, peak = measure(path, out, planes)
                speed = pixels * 2 / planes / elapsed / 2**20
                print(
                    f"{name:16s} planes {planes}: copy {copied:5.1f} s, ingest {elapsed:5.1f} s "
                    f"({elapsed / copied:4.2f} × copy, {speed:5.0f} MiB/s of movie, processor {used:4.1f} s), "
                    f"peak {peak:4.0f} MiB"
                )
                out.unlink()
            path.unlink()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
