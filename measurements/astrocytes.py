"""Events of astrocytes against those of simulated recordings.

    PYTHONPATH=workflow/src python measurements/astrocytes.py [--seeds 11 12 13] [--photons 4 1] [--frames 1800] ...

256 x 256 px of 1 µm at 10 Hz. Precision and recall: found and true events that are not cut by a border, in pairs that
last at one time and whose areas overlap (over those cut, too). Of the pairs without a cut event: median and spread
(1.48 median absolute deviations) of the ratio of area, duration and peak to the truth and of the difference of start;
of the fronts that are told the ratio of speed; and the share of pairs within 1.645 of the error that is said.
`--null`: recordings without events, and how many are found where noise may make `--false-events` a minute. `--motion`
moves the tissue by 2 µm; `phase` registers it.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import tifffile
from plane import acquisition_of, peak_memory

from groundtrace.arrays import FloatArray
from groundtrace.astrocytes.parameters import EventParameters
from groundtrace.astrocytes.steps import find_events
from groundtrace.benchmark.astrocyte_events import matched
from groundtrace.motion.phase.backend import Phase
from groundtrace.movies.file import MovieFile, create_movie, open_movie
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import simulate
from groundtrace.task import Task

RATE, SIDE, PIXEL = 10.0, 256, 1.0
STILL = {"motion": 0.0, "nonrigid": 0.0, "line_jitter": 0.0}


def recorded(folder: Path, seed: int, photons: float, frames: int, moves: bool, rate: float | None) -> pl.DataFrame:
    """Write `registered.npy` and return the true events."""
    session = Session(
        subject="x", session="1", indicator="GCaMP6s", frame_rate=RATE, pixel_size=PIXEL, simulate="x"
    )  # fmt: skip
    size = {"frames": frames, "height": SIDE, "width": SIDE, "seed": seed, "photons": photons}
    events = {"astrocytes": {} if rate is None else {"rate": rate}}
    truth = simulate(
        Simulation.model_validate(size | events | ({} if moves else STILL)), session, folder / "movie.tif"
    )  # fmt: skip
    np.save(folder / "registered.npy", tifffile.memmap(folder / "movie.tif", mode="r"))
    if moves:
        movie = open_movie(folder / "registered.npy")
        made = create_movie(folder / "moved.npy", movie.shape, movie.dtype)
        task = Task(described(movie), np.zeros(len(movie), bool), folder, 1)
        Phase().run(movie, made, task)
        (folder / "moved.npy").rename(folder / "registered.npy")
    return truth.events()


def described(movie: MovieFile):
    return acquisition_of(movie).model_copy(update={"frame_rate": RATE, "pixel_size": PIXEL, "offset": 200.0})


def found_in(folder: Path, parameters: EventParameters) -> tuple[pl.DataFrame, pl.DataFrame]:
    movie = open_movie(folder / "registered.npy")
    bad, time = np.zeros(len(movie), bool), np.arange(len(movie)) / RATE
    return find_events(movie, bad, time, described(movie), parameters, folder)


def ratio(found: pl.Series, true: pl.Series) -> FloatArray:
    return (found / true).drop_nulls().to_numpy()


def middle(values: FloatArray) -> str:
    if not len(values):
        return "–"
    centre = np.median(values)
    return f"{centre:.2f} ± {1.4826 * np.median(np.abs(values - centre)):.2f}"


def covered(away: pl.Series, error: pl.Series) -> str:
    inside = (away.abs() < 1.645 * error).drop_nulls()
    return f"{inside.mean():.2f}" if len(inside) else "–"


def scored(found: pl.DataFrame, quality: pl.DataFrame, true: pl.DataFrame) -> list[str]:
    pairs = matched(found, true, int(quality["side"][0]), (SIDE, SIDE))
    of_found, of_true = {one for one, _ in pairs}, {other for _, other in pairs}
    whole = [[k for k, cut in enumerate(table["cut"]) if not cut] for table in (found, true)]
    precision = np.mean([k in of_found for k in whole[0]]) if whole[0] else np.nan
    recall = np.mean([k in of_true for k in whole[1]]) if whole[1] else np.nan
    kept = [(one, other) for one, other in pairs if one in whole[0] and other in whole[1]]
    mine, real = found[[one for one, _ in kept]], true[[other for _, other in kept]]
    start, longer = mine["start_time"] - real["start_time"], mine["duration"] - real["duration"]
    told = [
        len(whole[1]), f"{precision:.2f}", f"{recall:.2f}", len(kept),
        middle(ratio(mine["area"], real["area"])), middle(ratio(mine["duration"], real["duration"])),
        middle(ratio(mine["peak"], real["peak"])), middle(start.to_numpy()),
        len(mine["speed"].drop_nulls()), middle(ratio(mine["speed"], real["speed"])),
        covered(mine["area"] / real["area"] - 1, mine["area_error"]),
        covered(longer, mine["duration_error"]), covered(mine["peak"] - real["peak"], mine["peak_error"]),
        covered(start, mine["start_time_error"]),
        covered(mine["speed"] - real["speed"], mine["speed_error"]),
    ]  # fmt: skip
    return [str(value) for value in told]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[11, 12, 13])
    parser.add_argument("--photons", type=float, nargs="*", default=[4, 1])
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--motion", action="store_true")
    parser.add_argument("--null", action="store_true", help="recordings without events")
    parser.add_argument("--false-events", type=float, default=EventParameters().false_events)
    arguments = parser.parse_args()
    parameters = EventParameters(false_events=arguments.false_events)
    print(
        "| photons | seed | events | precision | recall | pairs | area, ratio | duration, ratio | peak, ratio | "
        "start, s | fronts told | speed, ratio | area within its error | duration | peak | start | speed | "
        "false ones stated | found |"
    )
    for photons in arguments.photons:
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as name:
                rate = 1e-4 if arguments.null else None
                true = recorded(Path(name), seed, photons, arguments.frames, arguments.motion, rate)
                found, quality = found_in(Path(name), parameters)
            noise = quality["false_events"][0] * quality["minutes"][0]
            row = [f"{photons:g}", str(seed), *scored(found, quality, true), f"{noise:.1f}", str(found.height)]
            print("| " + " | ".join(row) + " |", flush=True)
    print(f"peak of the memory {peak_memory():.0f} MB")


if __name__ == "__main__":
    main()
