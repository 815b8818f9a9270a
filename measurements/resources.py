"""Memory and CPU time of each rule over sizes of movies, beside what `groundtrace.needs` predicts.

    PYTHONPATH=workflow/src python measurements/resources.py --folder /scratch [--sizes 512x9000 512x20000] [--cores 2]

Runs the workflow on simulated sessions, adds what was measured to `measured.tsv` in the folder, and prints it beside
the prediction; `--sizes` without any only prints. A movie of more than SIMULATED megabytes is that of 512 x 512 x 1,000
several times over, so its rows begin with ingest. The largest needs 21 GB in the folder, twice its size.

Processes are watched, because Snakemake's `benchmark:` files look at a job of more than 15 s only every 30 s and miss
its peak.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from pyarrow.parquet import read_metadata

from groundtrace.config import STAGES, own_backends
from groundtrace.needs import Size
from groundtrace.running.resources import NEEDS
from groundtrace.section import Backend

ROOT = Path(__file__).resolve().parents[1]
SIZES = ("128x1000", "128x5000", "256x3000", "512x1000", "512x2000", "512x9000", "512x20000")
SIMULATED = 1100
PART = (512, 1000)
RECIPES = {
    "default": {"motion": "phase", "denoise": "none", "extract": "suite2p", "spikes": "network"},
    "oracle": {"motion": "phase", "denoise": "none", "extract": "oracle", "spikes": "oasis"},
}
RESULTS = ("report-default.html", "realism-default.parquet")
"""What is made of every movie, below its plane."""
OTHERS = (
    "motion-none/shifts.parquet",
    "motion-suite2p/shifts.parquet",
    "motion-phase/denoise-network/training.parquet",
    "motion-phase/denoise-none/extract-suite2p/spikes-oasis.parquet",
)
"""Also of movies of up to OTHERS_UP_TO megabytes."""
OTHERS_UP_TO = 500
COLUMNS = ("step", "side", "frames", "peak", "anonymous", "benchmark_rss", "cpu", "seconds")
KEYS = (
    (r"/simulate$", "simulate"),
    (r"/ingest$", "ingest"),
    (r"^benchmark/.*/motion-\w+$", "benchmark_motion"),
    (r"/motion-(phase|suite2p|none)$", r"motion/\1"),
    (r"_denoise-(\w+)$", r"denoise/\1"),
    (r"_denoise-none_.*_dff$", "dff"),
    (r"_dff$", "dff/smoothed"),
    (r"_spikes-(\w+)$", r"spikes/\1"),
    (r"_extract-oracle$", "oracle"),
    (r"_extract-(\w+)$", r"extract/\1"),
    (r"/report-\w+$", "session_report"),
    (r"/realism-\w+$", "realism_statistics"),
    (r"/recipe-\w+$", "benchmark_recipe"),
)
"""Names of steps, and what they are called in the model."""
ROIS = "sub-a/ses-1/plane-0/motion-phase/denoise-none/extract-{}/found.parquet"
RATE, INDICATOR = 30.0, "jGCaMP8m"
TICK = 0.05
"""s between looks at the processes."""


@dataclass
class Watched:
    """What was seen of one process."""

    step: str
    peak: float = 0.0
    """MB, the kernel's high-water mark of resident memory: pages of memory-mapped files included."""
    anonymous: float = 0.0
    """MB, largest resident memory that is no file's: what a cgroup's limit cannot reclaim."""
    cpu: float = 0.0
    """s."""


class Watch(threading.Thread):
    """Looks at the processes of this project's rule scripts until stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.found: dict[int, Watched | None] = {}
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(TICK):
            for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
                try:
                    self._look(pid)
                except (FileNotFoundError, ProcessLookupError):
                    continue

    def _look(self, pid: int) -> None:
        folder = Path("/proc", str(pid))
        if pid not in self.found or self.found[pid] is None:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            script = next((word for word in words[1:2] if b"/.snakemake/scripts/" in word), None)
            if script is None or not script.startswith(os.fsencode(ROOT)):
                return
            log = re.search(rb"logs/([\w./-]+?)\.log", Path(os.fsdecode(script)).read_bytes())
            if log is None:
                return
            self.found[pid] = Watched(log.group(1).decode())
        seen = self.found[pid]
        assert seen is not None
        lines = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        if "VmHWM" in lines:
            memory = {name: int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmHWM", "RssAnon", "RssShmem")}
            seen.peak = max(seen.peak, memory["VmHWM"])
            seen.anonymous = max(seen.anonymous, memory["RssAnon"] + memory["RssShmem"])
            times = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            seen.cpu = max(seen.cpu, sum(map(int, times[11:15])) / os.sysconf("SC_CLK_TCK"))


def configure(folder: Path, side: int, frames: int) -> tuple[Path, list[str]]:
    """Config of one size and what to ask Snakemake for."""
    results, megabytes = folder / f"{side}x{frames}", side * side * frames * 2e-6
    where, targets = f"{results}/sub-a/ses-1/plane-0", list(RESULTS)
    config: dict[str, object] = {"sessions": f"{results}.tsv", "results": f"{results}"}
    config["recipes"] = RECIPES if megabytes <= SIMULATED else {"default": RECIPES["default"]}
    if megabytes <= SIMULATED:
        config["simulation"] = {"movie": {"seed": 1, "frames": frames, "height": side, "width": side}}
        column, value = "simulate", "movie"
        scores = f"{results}/benchmark/recordings/sub-a/ses-1/plane-0"
        targets += [f"{scores}/motion-phase.parquet", f"{scores}/recipe-oracle/cells.parquet"]
    else:
        column, value = "path", f"{_parts(folder, side, frames)}/part_*.tif"
    if megabytes <= OTHERS_UP_TO:
        targets += OTHERS
    sheet = (
        f"subject\tsession\tframe_rate\tpixel_size\tindicator\t{column}\na\t1\t{RATE:g}\t1.5\t{INDICATOR}\t{value}\n"
    )
    Path(f"{results}.tsv").write_text(sheet)
    path = Path(f"{results}.yaml")
    path.write_text(yaml.safe_dump(config))
    return path, [target if target.startswith("/") else f"{where}/{target}" for target in targets]


def _parts(folder: Path, side: int, frames: int) -> Path:
    """A folder in which the movie PART lies as often as makes `frames`."""
    links = folder / f"{side}x{frames}-parts"
    links.mkdir(exist_ok=True)
    for number in range(frames // PART[1]):
        link = links / f"part_{number}.tif"
        if not link.is_symlink():
            link.symlink_to(folder / f"{PART[0]}x{PART[1]}/sub-a/ses-1/truth/movie.tif")
    return links


def measure(folder: Path, size: str, cores: int) -> None:
    """Run one size and add its rows to measured.tsv."""
    side, frames = map(int, size.split("x"))
    config, targets = configure(folder, side, frames)
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", str(config)]
    keep = ["--notemp"] if (side, frames) == PART else []
    watch = Watch()
    watch.start()
    done = subprocess.run([*command, *keep, "--", *targets], cwd=ROOT, check=False, capture_output=True, text=True)
    watch.ended.set()
    watch.join()
    (folder / f"{size}.log").write_text(done.stdout + done.stderr)
    table = folder / "measured.tsv"
    known = table.exists()
    with table.open("a", newline="") as handle:
        rows = csv.writer(handle, delimiter="\t")
        if not known:
            rows.writerow(COLUMNS)
        # A process that forks shows up twice.
        steps = {seen.step: seen for seen in sorted(filter(None, watch.found.values()), key=lambda seen: seen.peak)}
        for seen in steps.values():
            timing = folder / size / "timings" / f"{seen.step}.tsv"
            if timing.exists():
                row = next(csv.DictReader(timing.open(), delimiter="\t"))
                figures = (seen.peak, seen.anonymous, row["max_rss"], seen.cpu, row["s"])
                rows.writerow([seen.step, side, frames, *(f"{float(f):.1f}" for f in figures)])
    if done.returncode:
        raise SystemExit(f"{size}: Snakemake failed; {folder / size}.log says why")


def key_of(step: str) -> str | None:
    """Row of the model for a step, by the name of its log."""
    for pattern, key in KEYS:
        if found := re.search(pattern, step):
            return found.expand(key)
    return None


def backend_of(key: str) -> Backend | None:
    """The backend that a row `stage/backend` is of."""
    stage, _, name = key.partition("/")
    kinds = own_backends(stage) if stage in STAGES else ()
    return next((kind() for kind in kinds if kind.model_fields["backend"].default == name), None)


def compare(folder: Path) -> None:
    """Print predicted and measured memory and CPU time, and their ratios."""
    with (folder / "measured.tsv").open(newline="") as handle:
        rows = [{**row, "key": key_of(row["step"])} for row in csv.DictReader(handle, delimiter="\t")]
    print("| rule | movie | predicted MB | peak | ratio | without files | predicted CPU s | CPU s | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in sorted(
        (row for row in rows if row["key"] and float(row["cpu"])), key=lambda row: (row["key"], int(row["frames"]))
    ):
        side, frames, method = int(row["side"]), int(row["frames"]), backend_of(row["key"])
        rois = folder / f"{side}x{frames}" / ROIS.format("oracle" if "oracle" in row["step"] else "suite2p")
        # Counted: a movie that repeats itself has a table of fluorescence that compresses well.
        table = 8e-6 * frames * read_metadata(rois).num_rows if rois.exists() else None
        size = Size(frames, side**2, RATE, table)
        need, held = (method.need, method.held_frames(size, INDICATOR)) if method else (NEEDS[row["key"]], 1)
        memory, seconds = need.megabytes(size, held), need.cpu_seconds(size)
        peak, cpu = float(row["peak"]), float(row["cpu"])
        print(
            f"| {row['key']} | {side}² × {frames:,} | {memory:.0f} | {peak:.0f} | {memory / peak:.2f} | "
            f"{float(row['anonymous']):.0f} | {seconds:.0f} | {cpu:.0f} | {seconds / cpu:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sizes", nargs="*", default=SIZES)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for size in given.sizes:
        start = time.perf_counter()
        measure(folder, size, given.cores)
        print(f"{size}: {time.perf_counter() - start:.0f} s", flush=True)
    compare(folder)


if __name__ == "__main__":
    main()
