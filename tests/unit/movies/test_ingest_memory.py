"""Ingest holds a part of the movie in memory, never the whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

PROGRAM = """
import sys
from pathlib import Path
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

session = Session(subject="M01", session="001", path="as given", frame_rate=30, indicator="GCaMP6s")
path = Path(sys.argv[1])
found = ingest(session, [path], 0, path.with_name("movie.npy"))
print(found.acquisition.frames, peak())
"""


def ingest_alone(path: Path) -> tuple[int, float]:
    """Frames, and MiB resident at most, of an ingest in a process of its own."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True)
    frames, peak = done.stdout.split()
    return int(frames), float(peak)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_does_not_grow_with_the_movie(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3] / "workflow" / "src"))
    peaks = {}
    for frames in (400, 1600):
        path = tmp_path / f"{frames}.tif"
        pool = np.random.default_rng(0).poisson(5, (16, 512, 512)).astype("uint16")
        with tifffile.TiffWriter(path, bigtiff=True) as out:
            for frame in range(frames):
                out.write(pool[frame % 16], contiguous=False, metadata=None)
        counted, peaks[frames] = ingest_alone(path)
        assert counted == frames
        path.unlink()
    # 200 and 800 MiB of pixels.
    assert max(peaks.values()) < 1024
    assert peaks[1600] - peaks[400] < 100
