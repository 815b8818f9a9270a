"""One-photon recordings: cells found and how true their traces are.

    PYTHONPATH=workflow/src python measurements/one_photon.py [--seeds 11 12 13] [--methods transients cnmfe] ...

Simulated recordings of sparse cells under light from out of focus (`background` times the light in focus, SD 15 % of
its mean), with vignetting and a camera's noise, registered by `phase`. F1 at an IoU of 0.3 and median r of dF/F with
true calcium over the found cells of d' of at least 5; motion that is left against the truth; peak memory of the
process, which runs one method after the other. CaImAn's `cnmfe`, with its defaults and with lower thresholds, where it
is installed.
"""

import argparse
import importlib.util
import tempfile
import time
from pathlib import Path

import numpy as np
from plane import acquisition_of, peak_memory, simulated
from pydantic import TypeAdapter

from groundtrace.benchmark.extraction import detectable, detection, footprints, match, overlap_matrix, placed
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.config import Extraction
from groundtrace.motion.phase.backend import Phase
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.spikes.comparing import correlation
from groundtrace.tables import stack
from groundtrace.task import Task
from groundtrace.traces.dff import DffParameters, compute_dff

METHODS = {
    "one_photon": {"backend": "one_photon"},
    "transients": {"backend": "transients"},
    "suite2p": {"backend": "suite2p"},
    "cnmfe": {"backend": "cnmfe", "regression": "nnls_L0"},
    "cnmfe_low": {
        "backend": "cnmfe",
        "min_correlation": 0.5,
        "min_peak_to_noise": 5,
        "own_verdict": True,
        "regression": "nnls_L0",
    },
}
CAMERA = {"gain": 20.0, "excess_noise": 1.0, "noise_correlation": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in {"frames": 2000, "size": 160, "photons": 40.0, "background": 8.0, "vignetting": 0.5}.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    parser.add_argument("--seeds", type=int, nargs="*", default=[11, 12, 13])
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    arguments = parser.parse_args()
    print("| seed | method | cells | ROIs | precision | recall | F1 | r | residual motion, px | s | peak, MB |")
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as name:
            score(Path(name), arguments, seed)


def score(folder: Path, arguments: argparse.Namespace, seed: int) -> None:
    size = {"frames": arguments.frames, "height": arguments.size, "width": arguments.size, "seed": seed}
    light = {name: getattr(arguments, name) for name in ("photons", "background", "vignetting")}
    truth = simulated(folder, **size, **light, **CAMERA, density=3e4, motion=1.5, nonrigid=0)
    movie = open_movie(folder / "movie.npy")
    registered, acquisition = create_movie(folder / "registered.npy", movie.shape, movie.dtype), acquisition_of(movie)
    with tempfile.TemporaryDirectory() as scratch:
        moved = Phase().run(movie, registered, Task(acquisition, np.zeros(len(movie), bool), Path(scratch), 1))
    off = [found - true for found, true in zip((moved.shift.y, moved.shift.x), truth.planes[0].shifts.T, strict=True)]
    offset = float(np.median(off[0])), float(np.median(off[1]))
    residual = float(np.sqrt(np.mean([np.var(axis) for axis in off]) * 2))
    cells, shape = truth.cells(), (arguments.size, arguments.size)
    wanted = detectable(cells, RecordingBenchmark())
    true = [placed(footprint, offset, shape) for footprint in footprints(cells)]
    for method in arguments.methods:
        parameters = METHODS[method]
        package = {"cnmfe": "caiman", "suite2p": "suite2p"}.get(parameters["backend"], "numpy")
        if not importlib.util.find_spec(package):
            print(f"| {seed} | {method} | {package} is not installed |")
            continue
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            backend = TypeAdapter(Extraction).validate_python(parameters)
            found = backend.run(registered, Task(acquisition, np.zeros(len(movie), bool), Path(scratch), 1))
        seconds, kept = time.perf_counter() - start, np.flatnonzero(found.accepted)
        rois = [(found.pixel_y[i], found.pixel_x[i], found.weight[i]) for i in kept]
        pairs = match(overlap_matrix(true, rois, shape), 0.3)
        scores = detection(pairs, wanted, len(rois))
        light_of = found.fluorescence[kept], found.neuropil[kept]
        dff = compute_dff(*light_of, acquisition.frame_rate, 200.0, DffParameters()).dff
        calcium = stack(cells["calcium"])
        r = [correlation(dff[pairs.roi[i]], calcium[i]) for i in np.flatnonzero(wanted & (pairs.roi >= 0))]
        shown = [scores["precision"], scores["recall"], scores["f1"], float(np.nanmedian(r)) if r else None, residual]
        print(
            f"| {seed} | {method} | {wanted.sum()} | {len(rois)} | "
            + " | ".join("–" if value is None else f"{value:.2f}" for value in shown)
            + f" | {seconds:.0f} | {peak_memory():.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
