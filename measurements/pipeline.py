"""The whole pipeline against Suite2p called by hand on the same movie, in one run.

    python measurements/pipeline.py movie.tif --frame-rate 30 --indicator jGCaMP8m [--threads 2]

Prints seconds and peak memory of each rule, then Suite2p 1.1.0's own time with its defaults (run_s2p from TIFF to
spikes, its quality metrics included; imports not counted), and the ratio.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BY_HAND = """
import resource, sys, time
from pathlib import Path
import torch
torch.set_num_threads({threads})
from suite2p import default_db, default_settings, run_s2p
movie, folder = Path(sys.argv[1]), sys.argv[2]
settings = default_settings()
settings["fs"], settings["torch_device"] = {rate}, "cpu"
db = default_db() | dict(data_path=[str(movie.parent)], file_list=[movie.name], save_path0=folder, input_format="tif")
start = time.perf_counter()
run_s2p(db=db, settings=settings)
print("measured", time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def pipeline(movie: Path, folder: Path, rate: float, indicator: str, threads: int) -> float:
    """Run the workflow on one movie; print each rule and return the seconds of the whole run."""
    sheet = f"subject\tsession\tpath\tframe_rate\tindicator\nbig\t1\t{movie}\t{rate}\t{indicator}\n"
    (folder / "sheet.tsv").write_text(sheet)
    config = {"sessions": str(folder / "sheet.tsv"), "results": str(folder / "results")}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", str(threads), "--configfile", str(folder / "config.yaml")]
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    for path in sorted((folder / "results/timings").rglob("*.tsv"), key=lambda path: path.stat().st_mtime):
        row = next(csv.DictReader(path.open(), delimiter="\t"))
        print(f"{path.stem:55s} {float(row['s']):8.1f} s  {float(row['max_rss']):7.0f} MB", flush=True)
    print(f"{'whole pipeline, Snakemake included':55s} {seconds:8.1f} s", flush=True)
    return seconds


def by_hand(movie: Path, folder: Path, rate: float, threads: int) -> float:
    """Suite2p's own time with its defaults."""
    (folder / "home").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BY_HAND.format(threads=threads, rate=rate), str(movie), str(folder / "by-hand")],
        env={**os.environ, "HOME": str(folder / "home"), "OMP_NUM_THREADS": str(threads)},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    seconds, peak = map(float, done.stdout.split("measured ")[-1].split()[:2])
    print(f"{'Suite2p by hand, its defaults':55s} {seconds:8.1f} s  {peak:7.0f} MB", flush=True)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("movie", type=Path)
    parser.add_argument("--frame-rate", type=float, default=30.0)
    parser.add_argument("--indicator", default="jGCaMP8m")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    movie = given.movie.resolve()
    with tempfile.TemporaryDirectory(dir=movie.parent) as name:
        ours = pipeline(movie, Path(name), given.frame_rate, given.indicator, given.threads)
        theirs = by_hand(movie, Path(name), given.frame_rate, given.threads)
        print(f"pipeline over Suite2p by hand: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
