"""Speed and memory of motion correction and extraction against Suite2p called by hand, on the same file.

    python measurements/suite2p_by_hand.py                                # a synthetic movie, 3000 frames of 256 x 256
    python measurements/suite2p_by_hand.py --shape 9000 512 512
    python measurements/suite2p_by_hand.py movie.npy --threads 4

Ours: `Suite2pMotion` with all that follows it (quality, images, tables), then `Suite2pExtraction` with its tables.
By hand: `run_s2p` with its defaults from a TIFF; its own times of registration, metrics, detection, extraction,
deconvolution and classification. Each runs in its own process, one after the other; imports are counted separately.
The ratio is ours / by hand: below 1, ours is faster.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).resolve().parents[1] / "workflow/src"
FRAME_RATE = 10.0
"""Hz, Suite2p's default, so that both bin the movie alike."""


def synthetic(path: Path, shape: tuple[int, int, int]) -> None:
    """Active disks under shot noise that move by a few pixels, int16."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    frames, height, width = shape
    random = np.random.default_rng(0)
    count = height * width // 800
    labels = np.zeros((height + 40, width + 40), np.int32)
    rows, columns = np.mgrid[: height + 40, : width + 40]
    for cell in range(1, count + 1):
        y, x = random.uniform(0, height + 40), random.uniform(0, width + 40)
        labels[(rows - y) ** 2 + (columns - x) ** 2 < 25] = cell
    rest = (
        60
        + 20 * gaussian_filter(random.normal(0, 1, labels.shape), 1.5) / 0.2 * (labels == 0) * 0.3
        + 60 * (labels > 0)
    )
    rest = rest.clip(5)
    kernel = np.exp(-np.arange(40) / 10)
    movie = np.lib.format.open_memmap(path, "w+", np.int16, shape)
    active = np.array(
        [np.convolve(random.random(frames) < 0.02, kernel)[:frames] for _ in range(count + 1)], np.float32
    )
    active[0] = 0
    shift = gaussian_filter(random.normal(0, 1, (frames, 2)), (3, 0))
    shift *= 2.5 / shift.std()
    warp = gaussian_filter(random.normal(0, 1, (2, *labels.shape)), (0, 40, 40))
    warp *= 1.0 / np.abs(warp).max()
    for t in range(frames):
        image = rest * (1 + active[labels, t])
        y, x = shift[t].clip(-9, 9)
        grid = [rows[20:-20, 20:-20] + y, columns[20:-20, 20:-20] + x]
        grid = [g + w[20:-20, 20:-20] * np.sin(t / 50) for g, w in zip(grid, warp, strict=True)]
        movie[t] = random.poisson(map_coordinates(image, grid, order=1))
    movie.flush()


def ours(path: Path, threads: int, folder: Path) -> dict[str, float]:
    from groundtrace.acquisition import Acquisition, SourceFile
    from groundtrace.external.suite2p import suite2p_session
    from groundtrace.extraction.footprints import describe, fluorescence_table
    from groundtrace.extraction.suite2p import Suite2pExtraction
    from groundtrace.extraction.tables import Fluorescence, Rois
    from groundtrace.io import write_arrays, write_table
    from groundtrace.motion.quality import assess
    from groundtrace.motion.suite2p import Suite2pMotion
    from groundtrace.motion.tables import MotionQuality, Shifts
    from groundtrace.movies.file import create_movie, open_movie
    from groundtrace.task import Task
    from groundtrace.testing.movies import frames_table

    times: dict[str, float] = {}
    clock = Clock(times)
    with suite2p_session(folder, threads):
        clock("import")
    movie = open_movie(path)
    frames, height, width = movie.shape
    acquisition = Acquisition(
        subject="M01", session="001", plane=0, planes=1, channels=1, functional_channel=1, frames=frames,
        height=height, width=width, dtype=str(movie.dtype), frame_rate=FRAME_RATE, indicator="GCaMP6f",
        saturation=int(np.iinfo(movie.dtype).max), sources=(SourceFile(name=path.name, sha256="", frames=frames),),
    )  # fmt: skip
    flags = frames_table(frames)
    registered = create_movie(folder / "registered.npy", movie.shape, movie.dtype)
    registration = Suite2pMotion().run(movie, registered, Task(acquisition, np.zeros(frames, bool), folder, threads))
    clock("registration")
    shifts, quality, images = assess(movie, registered, registration, flags)
    write_table(folder / "shifts.parquet", Shifts, shifts, {})
    write_table(folder / "quality.parquet", MotionQuality, quality, {})
    write_arrays(folder / "images.npz", **images)
    clock("quality")
    del registered
    registered = open_movie(folder / "registered.npy")
    extraction = Suite2pExtraction().run(registered, Task(acquisition, shifts["bad"].to_numpy(), folder, threads))
    clock("extraction")
    write_table(folder / "rois.parquet", Rois, describe(extraction, (height, width)), {})
    write_table(folder / "fluorescence.parquet", Fluorescence, fluorescence_table(extraction), {})
    clock("tables")
    return times | {"rois": len(extraction.weight), "residual_motion": quality["residual_motion"][0]}


def by_hand(path: Path, threads: int, folder: Path) -> dict[str, float]:
    times: dict[str, float] = {}
    clock = Clock(times)
    import suite2p
    import torch

    torch.set_num_threads(threads)
    clock("import")
    suite2p.run_s2p(
        db={"data_path": [str(path.with_suffix(".d"))], "save_path0": str(folder)},
        settings=suite2p.default_settings() | {"torch_device": "cpu"},
    )
    clock("wall")
    results = folder / "suite2p/plane0"
    times |= np.load(results / "ops.npy", allow_pickle=True).item()["plane_times"]
    times["conversion"] = times.pop("wall") - times.pop("total_plane_runtime")
    return times | {"rois": len(np.load(results / "stat.npy", allow_pickle=True))}


class Clock:
    """Writes the seconds since its last call under a name, and sums up what the processor worked after the imports."""

    def __init__(self, times: dict[str, float]):
        self.times, self.last, self.work = times, time.perf_counter(), time.process_time()

    def __call__(self, name: str) -> None:
        now, work = time.perf_counter(), time.process_time()
        self.times[name], self.last = now - self.last, now
        if name != "import":
            self.times["cpu"] = self.times.get("cpu", 0) + work - self.work
        self.work = work


def contend(name: str, path: Path, threads: int) -> dict[str, float]:
    """Run one contender in its own process and folder."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        threads_of = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
        environment = os.environ | {"PYTHONPATH": str(SOURCE), "HOME": folder} | threads_of
        options = ["--threads", str(threads), "--contender", name, "--folder", folder]
        command = [sys.executable, __file__, str(path), *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("movie", nargs="?", type=Path, help=".npy (T, Y, X) of an integer type")
    parser.add_argument("--shape", nargs=3, type=int, default=(3000, 256, 256), help="of the synthetic movie")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--contender", choices=("ours", "by_hand"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        run = ours if options.contender == "ours" else by_hand
        measured = run(options.movie, options.threads, options.folder)
        measured["peak_GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps(measured))
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as folder:
        path = options.movie or Path(folder) / "movie.npy"
        if options.movie is None:
            synthetic(path, tuple(options.shape))
        report(path, Path(folder), options.threads)


def report(path: Path, folder: Path, threads: int) -> None:
    import tifffile

    movie = np.load(path, mmap_mode="r")
    link = folder / "input.npy"
    if path != link:
        link.symlink_to(path.resolve())
    link.with_suffix(".d").mkdir()
    with tifffile.TiffWriter(link.with_suffix(".d") / "movie.tif", bigtiff=True) as tiff:
        for frame in movie:
            tiff.write(frame, contiguous=True)
    results = {name: contend(name, link, threads) for name in ("by_hand", "ours")}
    print(f"{movie.shape} {movie.dtype}, {threads} thread(s), seconds")
    for name, measured in results.items():
        print(f"{name:8}", "  ".join(f"{key} {value:.2f}" for key, value in measured.items()))
    skipped = ("import", "conversion", "cpu", "rois", "peak_GB", "residual_motion")
    total = {name: sum(v for k, v in measured.items() if k not in skipped) for name, measured in results.items()}
    for name, seconds in total.items():
        print(f"{name:8} {seconds:.1f} s, {len(movie) / seconds:.1f} frames/s, without import and conversion")
    print(f"ratio of time {total['ours'] / total['by_hand']:.2f}")
    processor = results["ours"]["cpu"] / results["by_hand"]["cpu"]
    print(f"ratio of processor time {processor:.2f}, with conversion by hand")
    for part, ours_parts, theirs in (
        ("registration", ("registration", "quality"), ("registration", "registration_metrics")),
        ("extraction", ("extraction", "tables"), ("detection", "extraction", "classification")),
    ):
        mine = sum(results["ours"][k] for k in ours_parts)
        print(f"  of {part}: {mine / sum(results['by_hand'].get(k, 0) for k in theirs):.2f}")


if __name__ == "__main__":
    main()
