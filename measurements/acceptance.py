"""What the probability of being a cell is worth, and the curves it is made of (resources/models/acceptance.json).

    PYTHONPATH=workflow/src python measurements/acceptance.py FOLDER [--write] [--held-out] [--seeds SEED ...]

Simulates recordings of many indicators, frame rates, pixel sizes, densities, light levels, neuropils and axial drifts
(settings drawn from seeds 1000 to 1043, with round somata and smooth neuropil, and 4000 to 4059), registers them with
`phase`, finds ROIs with `transients` and pairs them with the true cells. An hour on two cores and 20 GB of disk; what
is in FOLDER already is used again.
Prints precision, recall and F1 by least probability, and the share of true cells by decile of the probability, of
recordings that the curves were not fitted to (six folds of whole recordings). --write fits the curves to all of them
and writes them. --held-out reports on recordings of other indicators, densities, light levels and
pixel sizes than any of those (seeds 5000 to 5011) with the curves that ship, --seeds on recordings of these seeds:
then also with the sharpening that the other ones would have given, and --write writes that of all.

Cells are looked for at 12 µm times a random factor (15 %), since nobody knows better. A ROI is right when it is paired
with a soma at an IoU of 0.5.
"""

import argparse
import json
import pickle
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from threadpoolctl import threadpool_limits

from groundtrace.arrays import FloatArray
from groundtrace.benchmark.extraction import footprints, match, overlap_matrix, placed
from groundtrace.benchmark.motion import blocks_of, plane_truth, score_motion
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.extraction.acceptance import Acceptance, acceptance
from groundtrace.extraction.learning import fit
from groundtrace.extraction.scale import SOMA
from groundtrace.extraction.scene import observe
from groundtrace.extraction.search import survey
from groundtrace.extraction.statistics import NAMES, Statistics
from groundtrace.indicators import resource
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.quality import assess
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import simulate
from groundtrace.task import Task

SEEDS = (*range(1000, 1044), *range(4000, 4060))
HELD_OUT = tuple(range(5000, 5012))
INDICATORS = ("GCaMP6s", "GCaMP6f", "jGCaMP8m", "jGCaMP8s", "jGCaMP7f", "GCaMP6s")
OTHER_INDICATORS = ("jRGECO1a", "jGCaMP8f", "OGB-1", "GCaMP5k")
COPIES, UNSURE = 3, 0.2
"""Sizes at which a recording counts, and standard deviation of the logarithm of the diameter between them."""
FOLDS = 6


@dataclass(frozen=True)
class Recording:
    """ROIs of one simulated recording."""

    rows: FloatArray
    """(n_rois, n_statistics)"""
    soma: FloatArray
    """(n_rois,) IoU with the soma that the ROI is paired with; 0 for none."""
    other: FloatArray
    """(n_rois,) whether it is paired, at 0.5, with a dendrite or with a soma that nobody has to find."""
    wanted: int
    """Somata that should be found."""


def drawn(seed: int) -> tuple[dict, str, float, float, bool]:
    """Simulation parameters, indicator, frame rate (Hz), pixel size (µm), and whether values below dark are clipped."""
    random, plain = np.random.default_rng(seed), seed < 4000
    indicator, rate = str(random.choice(INDICATORS)), float(random.choice([7.5, 10, 15, 20, 30, 30, 30, 45]))
    pixel_size = float(np.round(np.exp(random.uniform(np.log(0.6), np.log(2.4))), 2))

    def between(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    seconds, shortest, longest = ((60, 150), 700, 3500) if plain else ((40, 120), 300, 2400)
    frames = int(np.clip(random.uniform(*seconds) * rate, shortest, longest))
    side = int(np.clip(300 / pixel_size, 160, 288) if plain else np.clip(240 / pixel_size, 128, 240)) // 8 * 8
    parameters: dict = {"seed": seed, "frames": frames, "height": side, "width": side}
    parameters["density"] = between(2e4, 1.5e5)
    parameters["expressing"] = float(random.uniform(0.5, 1))
    parameters["dendrites"] = float(random.choice([0, 200, 500, 1500] if plain else [0, 500, 1500, 4000]))
    parameters["photons"] = between(0.7, 20)
    parameters["rate"] = between(0.1, 1.2)
    parameters["motion"] = float(random.uniform(0, 3))
    parameters["nonrigid"] = float(random.uniform(0, 0.8))
    parameters["axial_drift"] = float(random.choice([0, 0, 1.0, 1.5, 2.5]))
    parameters["numerical_aperture"] = float(random.uniform(0.4, 0.8))
    parameters["contamination"] = float(random.uniform(0.3, 1))
    parameters["neuropil_activity"] = between(0.02, 0.12)
    if not plain:
        parameters["elongation"] = float(random.uniform(0, 0.25))
        parameters["neuropil_scale"] = float(random.choice([6, 10, 16, 25]))
    parameters["noise_correlation"] = float(random.choice([0, 0.17, 0.3]))
    parameters["bleaching"] = float(random.choice([0, 0.02, 0.1]))
    parameters["offset"] = float(random.choice([0, 200]))
    parameters["read_noise"] = float(random.choice([5, 20]))
    clipped = bool(random.random() < 0.3)
    if seed >= HELD_OUT[0]:
        # Beyond everything that the curves have seen.
        indicator, pixel_size = str(random.choice(OTHER_INDICATORS)), float(random.choice([0.5, 2.7]))
        side = 240 if pixel_size < 1 else 128
        parameters |= {"height": side, "width": side, "density": float(random.choice([1.3e4, 2e5]))}
        parameters |= {"photons": float(random.choice([0.5, 30.0]))}
    return parameters, indicator, rate, pixel_size, clipped


def registered(seed: int, folder: Path) -> None:
    """Write `seed`.npy, the registered movie, and `seed`.npz, the true cells as it shows them."""
    parameters, indicator, rate, pixel_size, clipped = drawn(seed)
    session = Session(
        subject="T", session=str(seed), frame_rate=rate, pixel_size=pixel_size, indicator=indicator, simulate="x"
    )
    with tempfile.TemporaryDirectory(dir=folder) as name:
        scratch = Path(name)
        raw = scratch / "raw.tif"
        truth = simulate(Simulation(**parameters), session, raw)
        real = session.model_copy(update={"simulate": None, "path": str(raw)})
        found = ingest(real, [raw], 0, scratch / "movie.npy")
        if clipped:
            movie = np.load(scratch / "movie.npy")
            np.save(scratch / "movie.npy", np.maximum(movie, movie.dtype.type(parameters["offset"])))
        movie = open_movie(scratch / "movie.npy")
        moved = create_movie(scratch / "registered.npy", movie.shape, movie.dtype)
        (scratch / "motion").mkdir()
        task = Task(found.acquisition, np.zeros(len(movie), bool), scratch / "motion", 1)
        registration = Phase().run(movie, moved, task)
        shifts, _, images = assess(movie, moved, registration, found.frames)
        true_shifts = plane_truth(truth.displacement(), 0)
        offset = score_motion(shifts, blocks_of(images), true_shifts, movie.shape[1:], RecordingBenchmark()).offset
        cells = truth.cells()
        seen = [placed(footprint, offset, (movie.shape[1], movie.shape[2])) for footprint in footprints(cells)]
        none = np.zeros(0, np.int32)
        np.savez(
            folder / f"{seed}.npz",
            bad=shifts["bad"].to_numpy(),
            kind=np.array(cells["kind"].to_list()),
            detect=cells["detectability"].to_numpy(),
            y=np.concatenate([none, *(y for y, _, _ in seen)]),
            x=np.concatenate([none, *(x for _, x, _ in seen)]),
            w=np.concatenate([none, *(w for *_, w in seen)]),
            n=np.array([len(y) for y, _, _ in seen]),
        )
        (scratch / "registered.npy").rename(folder / f"{seed}.npy")


def recording(seed: int, folder: Path) -> Recording:
    """Simulate, unless it is there, find and compare."""
    if not (folder / f"{seed}.npy").exists():
        registered(seed, folder)
    movie, truth = open_movie(folder / f"{seed}.npy"), np.load(folder / f"{seed}.npz")
    ends = np.cumsum(truth["n"])[:-1]
    true = list(zip(*(np.split(truth[name], ends) for name in "yxw"), strict=True))
    diameter = SOMA / drawn(seed)[3] * float(np.exp(0.15 * np.random.default_rng(seed).standard_normal()))
    with tempfile.TemporaryDirectory(dir=folder) as scratch, threadpool_limits(1), ThreadPoolExecutor(1) as pool:
        scene = observe(movie, truth["bad"], diameter, Path(scratch), pool)
        found = survey(scene, pool, most=5000)
    overlap = overlap_matrix(true, found.footprints, scene.shape)
    is_soma, wanted = truth["kind"] == "soma", (truth["kind"] == "soma") & (truth["detect"] >= 5)
    pairs, near = match(overlap, 0.5), match(overlap, 0.3)
    soma, other = np.zeros(len(found.footprints)), np.zeros(len(found.footprints), bool)
    for pair in (near, pairs):
        paired = pair.roi >= 0
        soma[pair.roi[paired & is_soma]] = pair.iou[paired & is_soma]
    paired = pairs.roi >= 0
    other[pairs.roi[paired & ~wanted]] = True
    return Recording(found.statistics, soma, other, int(wanted.sum()))


def fitted(recordings: list[Recording]) -> Acceptance:
    """Curves for these recordings; one with many ROIs counts by the root of their number.

    How large the cells of a movie are is known worse than the simulations say: each recording counts at COPIES sizes.
    """
    area, copies = NAMES.index("relative_area"), []
    for number, each in enumerate(recordings):
        for factor in np.exp(2 * UNSURE * np.random.default_rng(number).standard_normal(COPIES)):
            rows = each.rows.copy()
            rows[:, area] *= factor
            copies.append(replace(each, rows=rows))
    recordings = copies
    rows = np.concatenate([each.rows for each in recordings])
    soma = np.concatenate([each.soma for each in recordings])
    weight = np.concatenate([np.full(len(each.rows), 1 / np.sqrt(max(len(each.rows), 1))) for each in recordings])
    return fit(rows, (soma >= 0.5).astype(float), weight)


def sharpened(recordings: list[Recording]) -> Acceptance:
    """The curves that ship, and the sharpening that fits these recordings best."""

    def loss(share: float) -> float:
        total = 0.0
        for each in recordings:
            p = replace(acceptance(), sharpening=share).probability(Statistics.of(each.rows))
            total -= np.log(np.where(each.soma >= 0.5, p, 1 - p)).sum() / np.sqrt(max(len(p), 1))
        return total

    best = minimize_scalar(loss, bounds=(0, 4), method="bounded")
    return replace(acceptance(), sharpening=round(float(best.x), 2))


def report(recordings: list[Recording], probabilities: list[FloatArray]) -> None:
    """Precision, recall, F1 as the benchmark counts them, and calibration."""
    print("least p  precision  recall  F1 (means over recordings)  least F1")
    for least in (0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6):
        scores = []
        for each, p in zip(recordings, probabilities, strict=True):
            accepted = p >= least
            counted = int((accepted & ~each.other).sum())
            hits = int((accepted & ~each.other & (each.soma >= 0.5)).sum())
            f1 = 2 * hits / max(counted + each.wanted, 1)
            scores.append((hits / max(counted, 1), hits / max(each.wanted, 1), f1))
        mean = np.mean(scores, axis=0)
        print(f"{least:7.2f}  {mean[0]:9.3f}  {mean[1]:6.3f}  {mean[2]:.3f}  {min(row[2] for row in scores):.2f}")
    p, soma = np.concatenate(probabilities), np.concatenate([each.soma for each in recordings])
    print("p          ROIs  mean p  true somata")
    for low in np.arange(0, 1, 0.1):
        chosen = (p >= low) & (p < low + 0.1)
        if chosen.any():
            share = (soma[chosen] >= 0.5).mean()
            print(f"{low:.1f}-{low + 0.1:.1f}  {chosen.sum():7d}  {p[chosen].mean():6.2f}  {share:11.2f}")


def write(model: Acceptance) -> None:
    """Put the curves where they ship."""
    curves = {
        name: {"knots": np.round(knots, 4).tolist(), "log_odds": np.round(values, 4).tolist()}
        for name, knots, values in zip(NAMES, model.knots, model.values, strict=True)
    }
    path = resource("models") / "acceptance.json"
    content = {"offset": round(model.offset, 4), "sharpening": model.sharpening, "curves": curves}
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written: {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    shipped = HELD_OUT if arguments.held_out else arguments.seeds
    with ProcessPoolExecutor(2) as pool:
        recordings = list(pool.map(partial(recording, folder=arguments.folder), shipped or SEEDS))
    with (arguments.folder / "rois.pkl").open("wb") as file:
        pickle.dump(recordings, file)
    if shipped:
        report(recordings, [acceptance().probability(Statistics.of(each.rows)) for each in recordings])
    if arguments.seeds:
        print("sharpening by the other recordings")
        models = [sharpened(recordings[:k] + recordings[k + 1 :]) for k in range(len(recordings))]
        judged = [model.probability(Statistics.of(each.rows)) for model, each in zip(models, recordings, strict=True)]
        report(recordings, judged)
        if arguments.write:
            write(sharpened(recordings))
    if shipped:
        return
    probabilities = [np.zeros(0)] * len(recordings)
    for fold in range(FOLDS):
        model = fitted([each for k, each in enumerate(recordings) if k % FOLDS != fold])
        for k in range(fold, len(recordings), FOLDS):
            probabilities[k] = model.probability(Statistics.of(recordings[k].rows))
    report(recordings, probabilities)
    if arguments.write:
        write(fitted(recordings))


if __name__ == "__main__":
    main()
