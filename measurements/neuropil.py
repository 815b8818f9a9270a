"""Neuropil coefficients against the right ones, in simulated movies whose contamination differs.

    PYTHONPATH=workflow/src python measurements/neuropil.py FOLDER [--seed 7100] [--recordings 12]

Simulates recordings (contamination 0.3, 0.5, 0.7 and 1.0 in turn; indicator, light, firing, density, bleaching,
activity and grain of the neuropil drawn), extracts them with `transients` and pairs accepted ROIs with true somata. The
right coefficient of a ROI is that which multiplies Fneu when F is regressed on the cell's true calcium, on Fneu and on
a cubic in time, in means of a second. It is not the contamination: an outline holds pixels beyond the soma. The scale
of dF/F is its slope on the true calcium; ROIs of which it is not known to a tenth are left out.
Six minutes for twelve; what is in FOLDER already is used again.
"""

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter1d

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.benchmark.extraction import footprints, match, overlap_matrix
from groundtrace.extraction.transients import Transients
from groundtrace.movies.file import open_movie
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import simulate
from groundtrace.task import Task
from groundtrace.traces.dff import DffParameters, compute_dff, neuropil_coefficient, shared_coefficient

RATE, FRAMES, SIDE, PIXEL_SIZE = 15.0, 3000, 160, 1.5
CONTAMINATION = (0.3, 0.5, 0.7, 1.0)
INDICATORS = ("GCaMP6s", "GCaMP6f", "jGCaMP8m")


def drawn(seed: int) -> tuple[Simulation, Session]:
    """A recording of this seed."""
    random = np.random.default_rng(seed)

    def between(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    simulation = Simulation(
        seed=seed, frames=FRAMES, height=SIDE, width=SIDE, motion=0, nonrigid=0, line_jitter=0,
        contamination=CONTAMINATION[seed % len(CONTAMINATION)],
        photons=between(2, 12), rate=between(0.15, 1.0), neuropil_activity=between(0.03, 0.12),
        density=between(4e4, 1.2e5), neuropil_scale=float(random.choice([10, 16, 25])), elongation=0.15,
        bleaching=float(random.choice([0.0, 0.1, 0.3])),
    )  # fmt: skip
    indicator = str(random.choice(INDICATORS))
    return simulation, Session(
        subject="n", session=str(seed), indicator=indicator, frame_rate=RATE, pixel_size=PIXEL_SIZE, simulate="x"
    )


def measured(seed: int, folder: Path) -> dict[str, FloatArray]:
    """F and Fneu above the offset of the found somata, their true calcium, and F and Fneu of all accepted ROIs."""
    path = folder / f"{seed}.npz"
    if not path.exists():
        simulation, session = drawn(seed)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            raw, scratch = Path(name) / "raw.tif", Path(name) / "scratch"
            scratch.mkdir()
            cells = simulate(simulation, session, raw).cells()
            real = session.model_copy(update={"simulate": None, "path": str(raw)})
            acquisition = ingest(real, [raw], 0, Path(name) / "movie.npy").acquisition
            movie = open_movie(Path(name) / "movie.npy")
            found = Transients(visible=False).run(movie, Task(acquisition, np.zeros(FRAMES, bool), scratch, 2))
        rois = list(zip(found.pixel_y, found.pixel_x, found.weight, strict=True))
        pairs = match(overlap_matrix(footprints(cells), rois, (SIDE, SIDE)), 0.4)
        accepted = np.flatnonzero(found.accepted)
        cell = [int(np.flatnonzero(pairs.roi == roi)[0]) if (pairs.roi == roi).any() else -1 for roi in accepted]
        soma = (pl.Series(cell) >= 0).to_numpy() & np.array([k >= 0 and cells["kind"][k] == "soma" for k in cell], bool)
        offset = np.float32(simulation.offset)
        calcium = np.array(cells["calcium"].to_list(), np.float32)[np.array(cell)[soma]]
        np.savez(
            path,
            f=found.fluorescence[accepted] - offset,
            n=found.neuropil[accepted] - offset,
            soma=soma,
            calcium=calcium,
        )
    return dict(np.load(path))


def right(f: FloatArray, around: FloatArray, calcium: FloatArray) -> FloatArray:
    """(n_rois,) the coefficients that a regression on what is true gives."""
    step = round(RATE)
    f, around, calcium = (each.reshape(len(each), -1, step).mean(axis=2) for each in (f, around, calcium))
    slow = np.polynomial.legendre.legvander(np.linspace(-1, 1, f.shape[1]), 3)
    designs = [np.column_stack([slow, own, near]) for own, near in zip(calcium, around, strict=True)]
    return np.array([np.linalg.lstsq(design, row, rcond=None)[0][-1] for design, row in zip(designs, f, strict=True)])


def scales(f: FloatArray, around: FloatArray, calcium: FloatArray, soma: BoolArray) -> FloatArray:
    """(n, 3) of the somata: the scale of dF/F, its stated error, and the baseline over the uncorrected light."""
    found, rows = compute_dff(f, around, RATE, 0.0, DffParameters()), []
    for roi, truth in zip(np.flatnonzero(soma), calcium, strict=True):
        if np.isfinite(found.dff[roi]).all():
            (scale, _), covariance = np.polyfit(truth, found.dff[roi], 1, cov=True)
            if np.sqrt(covariance[0, 0]) < 0.1 * abs(scale):
                rows.append([scale, found.scale_error[roi], found.baseline_share[roi]])
    return np.array(rows)


def agreement(f: FloatArray, around: FloatArray, calcium: FloatArray, r: FloatArray) -> float:
    """Median correlation of F - r Fneu with calcium, both smoothed over 0.13 s."""
    traces = gaussian_filter1d(f - r[:, None] * around, 2, axis=1), gaussian_filter1d(calcium, 2, axis=1)
    return float(np.median([np.corrcoef(*pair)[0, 1] for pair in zip(*traces, strict=True)]))


def row(scores: FloatArray | list[float]) -> str:
    return "{:7.2f} {:7.2f} {:11.3f} {:7.3f} {:7.3f}".format(*scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=7100)
    parser.add_argument("--recordings", type=int, default=12)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print("               ROIs  right r (SD)  RMS error of r      correlation with calcium")
    print("contam.  bleached                   fixed  fitted     right r   fixed  fitted")
    scores, lows, told = [], [], []
    for seed in range(arguments.seed, arguments.seed + arguments.recordings):
        simulation, _ = drawn(seed)
        data = measured(seed, arguments.folder)
        soma = data["soma"]
        own, error = neuropil_coefficient(data["f"], data["n"], RATE)
        fitted, error = (each[soma] for each in shared_coefficient(own, error, np.ones(len(own), bool), 0.7))
        f, around, calcium = data["f"][soma], data["n"][soma], data["calcium"]
        best = right(f, around, calcium)
        fixed = np.full(len(best), 0.7)
        wrong = [float(np.sqrt(np.mean(np.square(r - best)))) for r in (fixed, fitted)]
        matched = [agreement(f, around, calcium, r) for r in (best, fixed, fitted)]
        scores.append([*wrong, *matched])
        lows.append((fitted - best) / error)
        told.append(scales(data["f"], data["n"], calcium, soma))
        setting = f"{simulation.contamination:.1f}{simulation.bleaching:10.1f}{len(best):6d}"
        print(f"{setting}   {np.median(best):.2f} ({best.std():.2f})  " + row(scores[-1]))
    print(f"mean{'':30s}" + row(np.mean(scores, axis=0)))
    z = np.abs(np.concatenate(lows))
    print(f"within one standard error: {(z < 1).mean():.2f}, within two: {(z < 2).mean():.2f} of {len(z)}")
    print("baseline share  ROIs  scale (quartiles)   stated error  within 1, 1.64 errors")
    scale, stated, share = np.concatenate(told).T
    off = np.abs(np.log(np.maximum(scale, 0.05))) / stated
    for low, high in pairwise([-np.inf, 0.2, 0.35, 0.5, np.inf]):
        here = (share >= low) & (share < high)
        middle = "{1:.2f} ({0:.2f}, {2:.2f})".format(*np.percentile(scale[here], (25, 50, 75)))
        held = f"{(off[here] < 1).mean():.2f} {(off[here] < 1.64).mean():.2f}"
        print(f"{low:5.2f} to {high:4.2f} {here.sum():5d}  {middle}  {np.median(stated[here]):8.2f}       {held}")
    print(f"all: {(off < 1).mean():.2f} {(off < 1.64).mean():.2f} of {len(off)}")


if __name__ == "__main__":
    main()
