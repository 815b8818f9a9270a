"""What Snakemake itself costs while many small jobs run, with its own settings and with this project's.

    python measurements/scheduler.py [--jobs 400] [--seconds 0.5] [--cores 4]

Jobs that only sleep, all of them ready at once, so that the CPU time is that of Snakemake and of the shells.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SNAKEFILE = """
rule all:
    input: expand("{{job}}.txt", job=range({jobs}))

rule wait:
    output: "{{job}}.txt"
    resources: mem_mb=100
    shell: "sleep {seconds}; touch {{output}}"
"""
UNLIMITED = """
onstart:
    workflow.scheduler.job_rate_limiter = None
"""
VARIANTS = {
    "Snakemake's settings": ("", []),
    "scheduler greedy": ("", ["--scheduler", "greedy"]),
    "greedy, without the limit of jobs per second": (UNLIMITED, ["--scheduler", "greedy"]),
}


def measure(snakefile: str, arguments: list[str], cores: int) -> tuple[float, float]:
    """CPU seconds, those of all processes that it starts included, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Snakefile").write_text(snakefile)
        start = time.perf_counter()
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"snakemake failed ({status})")
        return used.ru_utime + used.ru_stime, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--cores", type=int, default=4)
    given = parser.parse_args()
    for name, (extra, arguments) in VARIANTS.items():
        snakefile = SNAKEFILE.format(jobs=given.jobs, seconds=given.seconds) + extra
        cpu, seconds = measure(snakefile, arguments, given.cores)
        print(f"{name:46s} {cpu:7.1f} CPU s {seconds:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
