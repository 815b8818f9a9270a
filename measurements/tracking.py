"""Tracking on simulated fields: pairs and tracks by method, by axial displacement, and how right probabilities are.

    PYTHONPATH=workflow/src python measurements/tracking.py [--seeds 11 12 13 14] [--sessions 5] [--keep FOLDER]

Each session of a field is simulated and its ROIs are found by `transients`; nothing moves within a session, so that it
takes half a minute. `oracle`: the true footprints of the detectable cells. Seeds 1 to 3 are those that the constants of
`tracking/` were chosen on. With --speed: CPU seconds and memory for nine sessions of 1,000 ROIs.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from plane import peak_memory

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.extraction import footprints, match, overlap_matrix
from groundtrace.benchmark.tracking import DECILES, score_tracks
from groundtrace.extraction.footprints import describe
from groundtrace.extraction.transients import Transients
from groundtrace.io import read_arrays, write_arrays
from groundtrace.sessions import Session as Row
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import simulate
from groundtrace.task import Task
from groundtrace.tracking.base import TrackingBackend
from groundtrace.tracking.mixture import Mixture
from groundtrace.tracking.overlap import Overlap
from groundtrace.tracking.steps import Session, track

SIZE, FRAMES, RATE, DETECTABLE = 192, 700, 10.0, 5.0


def acquisition_of(seed: int, number: int, size: int = SIZE) -> Acquisition:
    return Acquisition(
        subject=f"F{seed}", session=f"{number:03d}", plane=0, planes=1, channels=1, functional_channel=1, frames=FRAMES,
        height=size, width=size, dtype="int16", frame_rate=RATE, pixel_size=1.0, indicator="GCaMP6s", saturation=32767,
        sources=(),
    )  # fmt: skip


def make(folder: Path, seed: int, number: int) -> None:
    """Simulate a session and find its ROIs: `cells.parquet`, `rois.parquet` and `images.npz`."""
    import tifffile

    still = Simulation(seed=seed, frames=FRAMES, height=SIZE, width=SIZE, motion=0, nonrigid=0, line_jitter=0)
    row = Row(
        subject=f"F{seed}", session=f"{number:03d}", field="A", frame_rate=RATE, pixel_size=1.0, indicator="GCaMP6s",
        simulate="still",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        truth = simulate(still, row, Path(scratch) / "movie.tif")
        movie = tifffile.imread(Path(scratch) / "movie.tif")
        task = Task(acquisition_of(seed, number), np.zeros(len(movie), bool), Path(scratch), 1)
        found = Transients().run(movie, task)
    assert found.judgement is not None
    folder.mkdir(parents=True, exist_ok=True)
    truth.cells().write_parquet(folder / "cells.parquet")
    write_arrays(folder / "images.npz", **found.judgement.images)
    describe(found, movie.shape[1:]).write_parquet(folder / "rois.parquet")


def read(folder: Path, seed: int, number: int, oracle: bool) -> tuple[Session, pl.DataFrame]:
    """A session, and its ROIs that are matched to a true cell."""
    acquisition, truth = acquisition_of(seed, number), pl.read_parquet(folder / "cells.parquet")
    if oracle:
        rois = truth.filter(pl.col("detectability") > DETECTABLE).with_columns(accepted=True)
        matched = rois.select("roi", "identity", "depth")
    else:
        rois = pl.read_parquet(folder / "rois.parquet")
        accepted = rois.filter("accepted")
        pairs = match(overlap_matrix(footprints(truth), footprints(accepted), (SIZE, SIZE)), 0.3)
        hit = pairs.roi >= 0
        matched = truth.filter(pl.Series(hit)).select(
            pl.Series("roi", accepted["roi"].to_numpy()[pairs.roi[hit]]), "identity", "depth"
        )
    matched = matched.select(pl.lit(acquisition.key).alias("session"), "roi", "identity", "depth")
    return Session(acquisition, rois, read_arrays(folder / "images.npz"), 12.0), matched


def shown(name: str, table: pl.DataFrame) -> None:
    """Print totals of a method over fields."""
    for low in table["offset_low"].unique(maintain_order=True):
        for whole in (True, False):
            own = table.filter((pl.col("offset_low") == low) & (pl.col("tracks").is_not_null() == whole))
            right, joined, pairs = (int(own[column].sum()) for column in ("right", "joined", "pairs"))
            if not pairs:
                continue
            where = "all pairs" if whole else f"offset {low:g} to {own['offset_high'][0] or 8:g} µm"
            line = f"{name:16} {where:18} pairs {pairs:5}  precision {right / max(joined, 1):.3f}  "
            line += f"recall {right / pairs:.3f}  F1 {2 * right / (joined + pairs):.3f}"
            if whole:
                line += f"  whole tracks {own['tracks_whole'].sum()} of {own['tracks'].sum()}"
                line += f"  Brier {own['brier'].mean():.4f}  F1 by field {own['f1'].round(3).to_list()}"
            print(line)
    own = table.filter(pl.col("tracks").is_not_null())
    sums = (np.array(own[f"decile_{what}"].to_list()).sum(axis=0) for what in ("pairs", "right", "probability"))
    for k, (count, hits, total) in enumerate(zip(*sums, strict=True)):
        if count:
            said = f"    said {k / DECILES:.1f} to {(k + 1) / DECILES:.1f}: {count} pairs"
            print(f"{said}, mean {total / count:.3f}, right {hits / count:.3f}")


def speed(rois: int = 1000, sessions: int = 9, size: int = 512) -> None:
    """Discs in a field of `size` px, moved a little from session to session."""
    random = np.random.default_rng(0)
    places = random.uniform(8, size - 8, (rois, 2))
    made = []
    for number in range(sessions):
        mean, rows = random.normal(100, 5, (size, size)), []
        for roi, (y, x) in enumerate(places + random.normal(0, 0.7, (rois, 2))):
            yy, xx = np.mgrid[int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7]
            inside = (np.hypot(yy - y, xx - x) < 6) & (yy >= 0) & (yy < size) & (xx >= 0) & (xx < size)
            mean[yy[inside], xx[inside]] += 40
            rows.append(
                (roi, yy[inside].tolist(), xx[inside].tolist(), np.full(inside.sum(), 1 / inside.sum()).tolist())
            )
        table = pl.DataFrame(rows, schema=["roi", "pixel_y", "pixel_x", "weight"], orient="row")
        table = table.with_columns(accepted=True, roi=pl.col("roi").cast(pl.Int32))
        made.append(Session(acquisition_of(0, number, size), table, {"mean": mean, "correlation": mean}, 12.0))
    began, before = time.process_time(), peak_memory()
    found = track(made, Mixture()).tracks
    tracked = int((found["sessions"] > 1).sum())
    print(
        f"{sessions} sessions of {rois} ROIs: {time.process_time() - began:.1f} CPU s, {peak_memory():.0f} MB "
        f"({before:.0f} before), {tracked} of {found.height} ROIs tracked"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13, 14])
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder of the simulated sessions, which are made once")
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        return speed()
    methods: dict[str, TrackingBackend] = {"mixture": Mixture(), "overlap": Overlap()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        tables: dict[str, list[pl.DataFrame]] = {}
        for seed in given.seeds:
            numbers = range(1, given.sessions + 1)
            for number in numbers:
                if not (folder / f"F{seed}-{number:03d}" / "rois.parquet").exists():
                    make(folder / f"F{seed}-{number:03d}", seed, number)
            for oracle in (False, True):
                read_all = [read(folder / f"F{seed}-{number:03d}", seed, number, oracle) for number in numbers]
                cells = pl.concat(matched for _, matched in read_all)
                for name, method in methods.items():
                    found = track([session for session, _ in read_all], method)
                    names = {"subject": f"sub-F{seed}", "field": "A", "plane": 0, "recipe": "default", "track": name}
                    scored = score_tracks(names, found.tracks, found.pairs, cells)
                    tables.setdefault(f"{name}{', oracle' if oracle else ''}", []).append(scored)
        for name, own in tables.items():
            shown(name, pl.concat(own))


if __name__ == "__main__":
    main()
