"""What every motion backend promises."""

from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy import ndimage

from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.none import NoMotion
from groundtrace.motion.quality import assess
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.tables import validate
from groundtrace.testing.contract import Contract, new_folder, promise, read_only, untouched
from groundtrace.testing.movies import Moving, frames_table, moving, task

FRAMES = 97
"""Odd, and one more than a multiple of the batch of our own backends: their last batch is one frame."""
OFFSETS = {"uint8": 0.0, "int16": -3000.0, "uint16": 60_000.0, "int32": 3_000_000.0}
"""Detector units at zero photons, far from zero where the type allows it."""


class MotionContract(Contract[MotionBackend]):
    """Promises of `MotionBackend`."""

    @cached_property
    def truth(self) -> Moving:
        return moving((FRAMES, 128, 128), whole=False)

    @cached_property
    def done(self) -> tuple[np.ndarray, Registration]:
        """`truth` registered."""
        with TemporaryDirectory() as folder:
            return self.run(self.truth.movie, Path(folder))

    def run(self, movie: np.ndarray, folder: Path, threads: int = 1) -> tuple[np.ndarray, Registration]:
        """Run on files, as the workflow does."""
        path, scratch = read_only(movie, folder), new_folder(folder, "scratch")
        registered = create_movie(folder / "registered.npy", movie.shape, movie.dtype)
        found = self.backend.run(open_movie(path), registered, task(movie, scratch, threads=threads))
        return np.array(registered), found

    @promise()
    def shapes_and_values(self, folder: Path) -> None:
        registered, found = self.done
        for name, values in (
            ("shift.y", found.shift.y),
            ("shift.x", found.shift.x),
            ("correlation", found.correlation),
        ):
            assert values.shape == (FRAMES,), f"{name} has shape {values.shape}, of {FRAMES} frames"
            assert np.isfinite(values).all(), f"{name} is not finite everywhere"
        blocks = (FRAMES, found.shift.blocks.count)
        for name, values in (("block_y", found.shift.block_y), ("block_x", found.shift.block_x)):
            assert values.shape == blocks, f"shift.{name} has shape {values.shape}, frames and blocks are {blocks}"
        still = self.truth.still
        assert found.template.shape == still.shape, f"the template has shape {found.template.shape}, not the field's"
        assert likeness(found.template, still) > 0.8, "the template does not look like the tissue"
        assert abs(registered.mean() / self.truth.movie.mean() - 1) < 0.01, "values of pixels do not keep their scale"
        empty = np.flatnonzero(registered.std(axis=(1, 2)) == 0)
        assert not len(empty), f"frames {empty.tolist()} are not written"

    @promise()
    def registered_pixels_are_raw_pixels_at_the_shift(self, folder: Path) -> None:
        registered, found = self.done
        for t in (0, FRAMES // 2, FRAMES - 1):
            shift = np.array([found.shift.y[t], found.shift.x[t]], np.float64)
            there, opposite = (
                ndimage.shift(self.truth.movie[t].astype(np.float64), sign * shift, order=1)[20:-20, 20:-20]
                for sign in (-1, 1)
            )
            here = registered[t, 20:-20, 20:-20]
            if found.shift.blocks.count == 0:
                # Interpolated in single precision, then rounded; whole pixels are copied.
                away, allowed = np.abs(here - there).max(), 0 if (shift % 1 == 0).all() else 0.51
                assert away <= allowed, f"frame {t}: a pixel is {away:g} from the raw movie's at the shift {shift}"
            else:
                assert correlation(here, there) > 0.8, f"frame {t} does not lie at its shift {shift}"
                backwards = np.abs(shift).max() >= 2 and correlation(here, opposite) >= 0.8
                assert not backwards, f"frame {t} lies at the opposite of its shift {shift}"

    @promise(*OFFSETS)
    def the_integer_type_is_kept(self, folder: Path, dtype: str) -> None:
        film = moving((40, 96, 80), dtype, offset=OFFSETS[dtype], noise=1.0 if dtype == "uint8" else 0.05)
        registered, found = self.run(film.movie, folder)
        movie = film.movie
        away = abs(registered.mean() - movie.mean())
        assert away < 0.02 * movie.std() + 5, f"the mean of {dtype} frames moved by {away:g}"
        away = abs(found.template.mean() - movie.mean())
        assert away < 0.1 * movie.std(), f"the template of {dtype} frames is {away:g} off in brightness"

    @promise()
    def two_runs_give_the_same_bytes_with_any_number_of_threads(self, folder: Path) -> None:
        made = []
        for number, threads in enumerate((1, 1, 3)):
            registered, found = self.run(self.truth.movie, new_folder(folder, str(number)), threads)
            shift = found.shift
            arrays = (shift.y, shift.x, shift.block_y, shift.block_x, found.correlation, found.template, registered)
            made.append([array.tobytes() for array in arrays])
        assert made[0] == made[1], "a second run gives another result"
        assert made[0] == made[2], "three threads give another result than one"

    @promise()
    def movie_and_home_are_left_alone(self, folder: Path) -> None:
        with untouched(self.truth.movie, folder) as work:
            self.run(self.truth.movie, work)
        left = {path.name for path in work.iterdir()} - {"movie.npy", "registered.npy", "scratch"}
        assert not left, f"written beside the movie: {sorted(left)}; the task's scratch folder is the place"

    @promise(2, 3, 33)
    def few_frames_are_enough(self, folder: Path, frames: int) -> None:
        film = moving((frames, 96, 96))
        _, found = self.run(film.movie, folder)
        assert len(found.shift) == frames, f"{len(found.shift)} shifts of {frames} frames"

    @cached_property
    def assessed(self) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, np.ndarray]]:
        return assess(self.truth.movie, *self.done, frames_table(FRAMES))

    @promise()
    def tables_and_pictures_can_be_made_of_it(self, folder: Path) -> None:
        shifts, quality, images = self.assessed
        validate(Shifts, shifts)
        validate(MotionQuality, quality)
        blocks, field = self.done[1].shift.blocks, self.truth.still.shape
        assert shifts["block_y"].list.len().to_list() == [blocks.count] * FRAMES, "the table has other blocks"
        rows, columns = images["block_centre_y"], images["block_centre_x"]
        assert len(rows) * len(columns) == blocks.count, "the images have other blocks"
        assert images["scan_offset"] == blocks.scan_offset, "the images have another scan_offset"
        for name in ("clip_raw", "clip_registered"):
            assert (images[name].dtype, images[name].shape) == (np.uint8, (60, *field)), f"{name} is no clip"
        assert 0 <= images["clip_start"] <= FRAMES - 60 * images["clip_step"], "the clip is not of the movie"
        for name in ("template", "mean", "mean_before", "coverage"):
            assert (images[name].dtype, images[name].shape) == (np.float32, field), f"{name} is no image of the field"

    @promise()
    def less_motion_is_left(self, folder: Path) -> None:
        row = self.assessed[1].row(0, named=True)
        if isinstance(self.backend, NoMotion):
            assert row["residual_motion"] > 0.8, "no motion is left where nothing was done"
            assert row["crispness"] == row["crispness_before"], "the mean changed where nothing was done"
            return
        # Root mean square; shifts of whole pixels alone leave 0.41.
        assert row["residual_motion"] < 0.5, f"{row['residual_motion']:.2f} px of motion are left, 0.5 is allowed"
        for name in ("crispness", "template_correlation"):
            before, after = row[f"{name}_before"], row[name]
            assert after > before, f"{name} is {after:.3g}, before registration {before:.3g}"


def likeness(image: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two images that may lie a few pixels apart: where a reference lies is up to the backend."""
    inner = other[8:-8, 8:-8]
    shifts = [(y, x) for y in range(-6, 7) for x in range(-6, 7)]
    return max(correlation(np.roll(image, shift, (0, 1))[8:-8, 8:-8], inner) for shift in shifts)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
