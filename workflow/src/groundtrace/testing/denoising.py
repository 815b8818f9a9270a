"""What every denoising backend promises."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from groundtrace.denoising.base import Denoising, DenoisingBackend
from groundtrace.denoising.files import write_weights
from groundtrace.denoising.tables import DenoisingCheck, TrainingCurve
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.movies.noise import read_noise, write_noise
from groundtrace.tables import validate
from groundtrace.testing.contract import Contract, assert_close, new_folder, promise, read_only
from groundtrace.testing.movies import Cells, task, with_cells

FRAMES = 203
"""Not a multiple of anything: the last batch is small."""
Done = tuple[np.ndarray, np.ndarray, Denoising]
"""Denoised movie, deviation, and what was learnt."""


class DenoisingContract(Contract[DenoisingBackend]):
    """Promises of `DenoisingBackend`."""

    @cached_property
    def truth(self) -> Cells:
        return with_cells((FRAMES, 63, 70), count=4)

    @cached_property
    def done(self) -> Done:
        """`truth` denoised."""
        with TemporaryDirectory() as folder:
            return self.run(self.truth.movie, Path(folder))

    def run(self, movie: np.ndarray, folder: Path, threads: int = 1, bad: Sequence[int] = ()) -> Done:
        """Run on files, as the workflow does."""
        path, scratch = read_only(movie, folder), new_folder(folder, "scratch")
        denoised: Any = create_movie(folder / "denoised.npy", movie.shape, "float32")
        deviation: Any = create_movie(folder / "deviation.npy", movie.shape, "float16")
        found = self.backend.run(open_movie(path), denoised, deviation, task(movie, scratch, bad, threads))
        return np.array(denoised), np.array(deviation), found

    @promise()
    def every_pixel_has_a_value_and_a_deviation(self, folder: Path) -> None:
        denoised, deviation, _ = self.done
        assert np.isfinite(denoised).all(), "the denoised movie is not finite everywhere"
        assert np.isfinite(deviation).all(), "the deviation is not finite everywhere"
        assert (deviation > 0).all(), "the deviation is not positive everywhere"

    @promise()
    def values_keep_their_scale_and_lose_their_noise(self, folder: Path) -> None:
        denoised, movie = self.done[0], self.truth.movie
        assert abs(denoised.mean() / movie.mean() - 1) < 0.01, "values of pixels do not keep their scale"
        corner = (slice(None), slice(0, 8), slice(0, 8))
        share = denoised[corner].std(axis=0).mean() / movie[corner].std(axis=0).mean()
        assert share < 0.4, f"{share:.0%} of the noise is left where nothing happens, 40 % is allowed"

    @promise()
    def cells_stay_active(self, folder: Path) -> None:
        for y, x, activity in zip(self.truth.y.astype(int), self.truth.x.astype(int), self.truth.activity, strict=True):
            shown = self.done[0][:, y - 2 : y + 3, x - 2 : x + 3].mean(axis=(1, 2))
            r = np.corrcoef(shown, activity)[0, 1]
            assert r > 0.6, f"the cell at ({y}, {x}) correlates by {r:.2f} with its activity, 0.6 is wanted"

    @promise()
    def the_number_of_threads_changes_nothing(self, folder: Path) -> None:
        denoised, deviation, found = self.run(self.truth.movie, folder, threads=2)
        assert np.array_equal(denoised, self.done[0]), "two threads give another movie than one"
        assert np.array_equal(deviation, self.done[1]), "two threads give another deviation than one"
        assert found.curve.equals(self.done[2].curve), "two threads give another training curve than one"

    @promise()
    def what_is_in_bad_frames_changes_nothing(self, folder: Path) -> None:
        bad, made = (0, 20, 21, 100, FRAMES - 1), []
        for brightness in (0, 60_000):
            spoiled = self.truth.movie.copy()
            spoiled[list(bad)] = brightness
            made.append(self.run(spoiled, new_folder(folder, str(brightness)), bad=bad))
        assert np.array_equal(made[0][0], made[1][0]), "what is in bad frames changes the denoised movie"
        assert np.array_equal(made[0][1], made[1][1]), "what is in bad frames changes the deviation"
        assert made[0][0].max() < 1.5 * self.done[0].max(), "bad frames make the movie brighter"

    @promise()
    def negative_values_and_a_small_field_are_no_trouble(self, folder: Path) -> None:
        movie = with_cells((90, 31, 33), count=1).movie.astype(np.int16) - 200
        denoised, deviation, _ = self.run(movie, folder)
        assert_close(denoised.mean(), movie.mean(), "mean of a movie below zero", within=0.5)
        assert (deviation > 0).all(), "the deviation is not positive everywhere"

    @promise()
    def a_movie_without_any_change_stays_as_it_is(self, folder: Path) -> None:
        still = np.repeat(with_cells((1, 40, 40), count=1).movie, 90, axis=0)
        denoised, deviation, _ = self.run(still, folder)
        assert_close(denoised, still, "a movie that never changes", within=0.01 + 1e-7 * float(still.max()))
        assert np.isfinite(deviation).all(), "the deviation is not finite everywhere"

    @promise()
    def what_it_learnt_can_be_written_and_read(self, folder: Path) -> None:
        found = self.done[2]
        validate(TrainingCurve, found.curve)
        validate(DenoisingCheck, found.check)
        write_noise(folder / "noise.npz", found.noise, found.mean)
        noise, mean = read_noise(folder / "noise.npz")
        for name in ("gain", "offset", "floor"):
            assert getattr(noise, name) == getattr(found.noise, name), f"noise.{name} is read back differently"
        assert np.array_equal(noise.correlation, found.noise.correlation), "noise.correlation is read back differently"
        assert np.allclose(mean, found.mean, rtol=1e-7), "the mean image is read back differently"
        write_weights(folder / "model.safetensors", found)
