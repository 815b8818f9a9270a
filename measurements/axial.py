"""Axial motion: how well the depth of a frame is known, and what removing its part from the traces does.

    PYTHONPATH=workflow/src python measurements/axial.py [--drift 0 1.5 3 6] [--seeds 11 12] [--frames 3000] ...

Simulated recordings with a z-stack (planes 2 µm apart, from -12 to 12 µm, or three times the motion to either side
where that is more), registered by `phase`, with the true footprints as ROIs. Depth: root mean square of z from the
truth, both from their means, and of its error; correlation of the axial mode with the truth. Traces, with `dff:
{axial: keep}` and `regress`, with the depth in the stack and with the mode: r of the rate that `network` infers with
the true one (Gaussian of 0.2 s, mean over cells that fire), and in the same recording with the activity frozen at its
mean, where every cell is silent, false transients per cell and minute (means of dF/F over 0.5 s that rise above the
median by 4 standard deviations of their white noise) and spikes inferred per cell and minute.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from plane import acquisition_of, simulated
from scipy.ndimage import gaussian_filter1d

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.oracle import measure_truth, shown
from groundtrace.indicators import kinetics
from groundtrace.motion.axial.columns import with_axial_motion
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.quality import assess
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.movies.z_stack import ZStack
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Z_STEP, Simulation
from groundtrace.simulation.z_stack import take_z_stack
from groundtrace.spikes.network.backend import Network
from groundtrace.task import Task
from groundtrace.traces.axial import axial_part
from groundtrace.traces.dff import DffParameters, compute_dff
from groundtrace.traces.noise import noise_sd

RATE, OFFSET, HALF = 30.0, 200.0, 12.0
SURE = 5.0
"""Detectability of the cells that are measured."""
MEAN, ABOVE = 0.5, 4.0


def frames_table(count: int) -> pl.DataFrame:
    flags = dict.fromkeys(("blank", "dropped", "flash", "excluded"), pl.Series([False] * count))
    columns = {"time": pl.Series(np.arange(count) / RATE), "segment": pl.Series([0] * count, dtype=pl.Int32)}
    return pl.DataFrame({"frame": pl.Series(range(count), dtype=pl.Int32), **columns, **flags})


def depths(folder: Path, parameters: dict, with_light: bool = True) -> tuple[dict[str, pl.DataFrame], object, object]:
    """Table Shifts with the depth in the stack and with the mode; the truth; and the ROIs' light."""
    truth = simulated(folder, **parameters)
    session = Session(subject="x", session="1", indicator="GCaMP6s", frame_rate=30, pixel_size=1.5, simulate="x")
    stack = ZStack(take_z_stack(Simulation.model_validate(parameters), session).astype(np.float32), Z_STEP)
    movie, frames = open_movie(folder / "movie.npy"), frames_table(parameters["frames"])
    registered = create_movie(folder / "registered.npy", movie.shape, movie.dtype)
    acquisition = acquisition_of(movie)
    with tempfile.TemporaryDirectory() as scratch:
        found = Phase().run(movie, registered, Task(acquisition, np.zeros(len(movie), bool), Path(scratch), 1))
    shifts, _, images = assess(movie, registered, found, frames)
    tables = {
        name: with_axial_motion(shifts, registered, frames, images, RATE, given)
        for name, given in (("stack", stack), ("mode", None))
    }
    bad, cells = shifts["bad"].to_numpy(), truth.cells()
    offset = (float(np.median(found.shift.y - truth.planes[0].shifts[:, 0])),
              float(np.median(found.shift.x - truth.planes[0].shifts[:, 1])))  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        light = with_light and measure_truth(registered, bad, cells, offset, SURE, acquisition, Path(scratch), 1)
    kept, _ = shown(cells, offset, SURE, (movie.shape[1], movie.shape[2]))
    return tables, (truth, kept, bad), light


def traces(light, tables: dict[str, pl.DataFrame], bad: np.ndarray) -> dict[str, FloatArray]:
    """dF/F by what is done, of the ROIs of which all have one: it is withheld where the baseline is near zero."""
    found = {}
    for name, table, column in (("keep", "stack", "z"), ("stack", "stack", "z"), ("mode", "mode", "axial_mode")):
        depth = tables[table][column]
        depth = None if depth.null_count() else depth.to_numpy().astype(float)
        method = "keep" if name == "keep" else "regress"
        part = axial_part(light.fluorescence, light.neuropil, depth, ~bad, RATE, method)
        dff = compute_dff(part.fluorescence, part.neuropil, RATE, OFFSET, DffParameters(), bad_frames=bad).dff
        found[name] = dff
        if name == "keep":
            found["share"] = part.share
    told = np.all([np.isfinite(found[name]).any(axis=1) for name in ("keep", "stack", "mode")], axis=0)
    return {name: np.nan_to_num(values[told]) for name, values in found.items()} | {"told": told}


def transients(dff: FloatArray) -> float:
    """Per cell and minute."""
    step = round(MEAN * RATE)
    means = dff[:, : dff.shape[1] // step * step].reshape(len(dff), -1, step).mean(axis=2)
    limit = ABOVE * noise_sd(dff)[:, None] / np.sqrt(step)
    above = means - np.median(means, axis=1, keepdims=True) > limit
    return float((above[:, 1:] & ~above[:, :-1]).sum() / len(dff) / (dff.shape[1] / RATE / 60))


def rates(dff: FloatArray) -> FloatArray:
    return Network().run(dff.astype(np.float32), RATE, kinetics("GCaMP6s")).rate


def correlation(dff: FloatArray, cells: pl.DataFrame) -> FloatArray:
    """(cells,) r with the true rate."""
    count, found = dff.shape[1], rates(dff)
    smooth = [gaussian_filter1d(values, 0.2 * RATE, axis=1) for values in (
        found, np.stack([np.histogram(times, np.arange(count + 1) / RATE - 0.5 / RATE)[0] for times in
        cells["spike_times"]]) .astype(float),
    )]  # fmt: skip
    return np.array(
        [np.corrcoef(one, other)[0, 1] if other.any() else np.nan for one, other in zip(*smooth, strict=True)]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drift", type=float, nargs="*", default=[0, 1.5, 3, 6])
    parser.add_argument("--seeds", type=int, nargs="*", default=[11, 12])
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--photons", type=float, default=8)
    parser.add_argument("--depth-only", action="store_true", help="leave the traces out")
    arguments = parser.parse_args()
    print(
        "| axial SD, µm | seed | largest, µm | z RMS | its error | within 1.645 errors | mode r | cells | share of F | "
        "r keep | r regress | r by mode | transients keep | regress | by mode | spikes keep | regress | by mode |"
    )
    for drift in arguments.drift:
        for seed in arguments.seeds:
            size = {"frames": arguments.frames, "height": arguments.size, "width": arguments.size}
            moved = {"axial_drift": drift, "z_stack": max(HALF, 3 * drift)}
            parameters = size | moved | {"seed": seed, "photons": arguments.photons}
            with tempfile.TemporaryDirectory() as name:
                tables, (truth, cells, bad), light = depths(Path(name), parameters, not arguments.depth_only)
            true = truth.planes[0].z - truth.planes[0].z.mean()
            z, error = (tables["stack"][column].to_numpy() for column in ("z", "z_error"))
            away = z - z.mean() - true
            mode = tables["mode"]["axial_mode"].to_numpy()
            alike = abs(np.corrcoef(mode, true)[0, 1]) if true.std() > 0 else np.nan
            row = [drift, seed, np.abs(true).max(), np.sqrt(np.mean(away**2)), np.sqrt(np.mean(error**2)),
                   np.mean(np.abs(away) < 1.645 * error), alike]  # fmt: skip
            if not arguments.depth_only:
                dff = traces(light, tables, bad)
                row += [len(cells), float(np.median(dff["share"]))]
                row += [
                    float(np.nanmean(correlation(dff[how], cells.filter(dff["told"]))))
                    for how in ("keep", "stack", "mode")
                ]
                with tempfile.TemporaryDirectory() as name:
                    tables, (_, _, bad), light = depths(Path(name), parameters | {"null_movie": "static"})
                silent = traces(light, tables, bad)
                row += [transients(silent[how]) for how in ("keep", "stack", "mode")]
                row += [60 * float(rates(silent[how]).mean()) for how in ("keep", "stack", "mode")]
            print("| " + " | ".join(f"{value:g}" if isinstance(value, int) else f"{value:.2f}" for value in row) + " |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
