"""Tracking on simulated fields: pairs and tracks by method, by axial displacement, and how right probabilities are.

    PYTHONPATH=workflow/src python measurements/tracking.py [--seeds 11 12 13 14] [--sessions 5] [--keep FOLDER]
        [--density 1] [--offset 4] [--rois transients suite2p oracle] [--methods mixture overlap roicat roicat_ecc]

Each session of a field is simulated and its ROIs are found; nothing moves within a session, so that it takes half a
minute. `oracle`: the true footprints of the detectable cells. Seeds 1 to 3 are those that the constants of `tracking/`
were chosen on. `roicat` runs in the environment `envs/roicat.yaml`, on sessions that were made before (--keep). With
--speed: CPU seconds and memory for nine sessions of 1,000 ROIs.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from plane import peak_memory

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.extraction import footprints, match, overlap_matrix
from groundtrace.benchmark.tracking import DECILES, score_tracks
from groundtrace.extraction.base import ExtractionBackend
from groundtrace.extraction.footprints import describe
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.extraction.transients import Transients
from groundtrace.io import read_arrays, write_arrays
from groundtrace.sessions import Session as Row
from groundtrace.simulation.parameters import Revisits, Simulation
from groundtrace.task import Task
from groundtrace.tracking.base import TrackingBackend
from groundtrace.tracking.mixture import Mixture
from groundtrace.tracking.overlap import Overlap
from groundtrace.tracking.roicat import Roicat
from groundtrace.tracking.steps import Session, track

SIZE, FRAMES, RATE, DETECTABLE = 192, 700, 10.0, 5.0
DENSITY = Simulation.model_fields["density"].default
EXTRACTIONS: dict[str, ExtractionBackend] = {"transients": Transients(), "suite2p": Suite2pExtraction()}
METHODS: dict[str, TrackingBackend] = {
    "mixture": Mixture(),
    "overlap": Overlap(),
    "roicat": Roicat(),
    "roicat_ecc": Roicat(alignment="ecc"),
}


def acquisition_of(seed: int, number: int, size: int = SIZE) -> Acquisition:
    return Acquisition(
        subject=f"F{seed}", session=f"{number:03d}", plane=0, planes=1, channels=1, functional_channel=1, frames=FRAMES,
        height=size, width=size, dtype="int16", frame_rate=RATE, pixel_size=1.0, indicator="GCaMP6s", saturation=32767,
        sources=(),
    )  # fmt: skip


@dataclass(frozen=True)
class Fields:
    """Simulated fields of one kind, and where their sessions lie."""

    folder: Path
    density: float
    """Of cells, of the simulation's default."""
    offset: float
    """µm, largest axial displacement from the plane of the field."""

    def place(self, seed: int, number: int) -> Path:
        return self.folder / f"F{seed}-{number:03d}-density-{self.density:g}-offset-{self.offset:g}"

    def make(self, seed: int, number: int, wanted: list[str]) -> None:
        """Simulate a session and find the ROIs that are not there yet: `cells.parquet`, and a table and images for
        each extraction."""
        place = self.place(seed, number)
        lacking = [name for name in wanted if name in EXTRACTIONS and not (place / f"{name}.parquet").exists()]
        if not lacking and (place / "cells.parquet").exists():
            return
        import tifffile

        from groundtrace.simulation.simulate import simulate

        still = Simulation(
            seed=seed, frames=FRAMES, height=SIZE, width=SIZE, motion=0, nonrigid=0, line_jitter=0,
            density=self.density * DENSITY, revisits=Revisits(axial_offset=self.offset),
        )  # fmt: skip
        row = Row(
            subject=f"F{seed}", session=f"{number:03d}", field="A", frame_rate=RATE, pixel_size=1.0,
            indicator="GCaMP6s", simulate="still",
        )  # fmt: skip
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            truth = simulate(still, row, Path(scratch) / "movie.tif")
            truth.cells().write_parquet(place / "cells.parquet")
            movie = tifffile.imread(Path(scratch) / "movie.tif")
            for name in lacking:
                (own := Path(scratch) / name).mkdir()
                task = Task(acquisition_of(seed, number), np.zeros(len(movie), bool), own, 1)
                found = EXTRACTIONS[name].run(movie, task)
                assert found.judgement is not None
                write_arrays(place / f"{name}.npz", **found.judgement.images)
                describe(found, movie.shape[1:]).write_parquet(place / f"{name}.parquet")

    def read(self, seed: int, number: int, found: str) -> tuple[Session, pl.DataFrame]:
        """A session, and its ROIs that are matched to a true cell. found: an extraction, or `oracle`."""
        place, acquisition = self.place(seed, number), acquisition_of(seed, number)
        truth = pl.read_parquet(place / "cells.parquet")
        if found == "oracle":
            rois = truth.filter(pl.col("detectability") > DETECTABLE).with_columns(accepted=True)
            matched = rois.select("roi", "identity", "depth")
        else:
            rois = pl.read_parquet(place / f"{found}.parquet")
            accepted = rois.filter("accepted")
            pairs = match(overlap_matrix(footprints(truth), footprints(accepted), (SIZE, SIZE)), 0.3)
            hit = pairs.roi >= 0
            matched = truth.filter(pl.Series(hit)).select(
                pl.Series("roi", accepted["roi"].to_numpy()[pairs.roi[hit]]), "identity", "depth"
            )
        matched = matched.select(pl.lit(acquisition.key).alias("session"), "roi", "identity", "depth")
        images = read_arrays(place / f"{'transients' if found == 'oracle' else found}.npz")
        return Session(acquisition, rois, images, 12.0), matched


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
    parser.add_argument("--density", type=float, default=1.0)
    parser.add_argument("--offset", type=float, default=4.0)
    parser.add_argument("--rois", nargs="+", default=["transients", "oracle"], choices=[*EXTRACTIONS, "oracle"])
    parser.add_argument("--methods", nargs="+", default=["mixture", "overlap"], choices=METHODS)
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        return speed()
    numbers, tables = range(1, given.sessions + 1), {}
    with tempfile.TemporaryDirectory() as temporary:
        fields = Fields(given.keep or Path(temporary), given.density, given.offset)
        for seed in given.seeds:
            for number in numbers:
                fields.make(seed, number, list({*given.rois, "transients"}))
            for rois in given.rois:
                read = [fields.read(seed, number, rois) for number in numbers]
                cells = pl.concat(matched for _, matched in read)
                for name in given.methods:
                    found = track([session for session, _ in read], METHODS[name])
                    names = {"subject": f"sub-F{seed}", "field": "A", "plane": 0, "recipe": "default", "track": name}
                    scored = score_tracks(names, found.tracks, found.pairs, cells)
                    tables.setdefault(f"{name}, {rois}", []).append(scored)
    for name, own in tables.items():
        shown(name, pl.concat(own))


if __name__ == "__main__":
    main()
