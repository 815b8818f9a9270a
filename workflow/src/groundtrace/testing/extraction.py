"""What every extraction backend promises."""

import re
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

from groundtrace.errors import BackendError
from groundtrace.extraction.base import Extraction, ExtractionBackend, Judgement
from groundtrace.extraction.files import write_extraction
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.extraction.tables import ExtractionQuality, Fluorescence, Rois
from groundtrace.movies.file import open_movie
from groundtrace.tables import validate
from groundtrace.testing.contract import Contract, assert_close, new_folder, promise, read_only, untouched
from groundtrace.testing.movies import Cells, acquisition, task, with_cells


class ExtractionContract(Contract[ExtractionBackend]):
    """Promises of `ExtractionBackend`."""

    @cached_property
    def truth(self) -> Cells:
        return with_cells()

    @cached_property
    def found(self) -> Extraction:
        """ROIs that the backend finds in `truth`."""
        with TemporaryDirectory() as folder:
            return self.run(self.truth.movie, Path(folder))

    def run(
        self, movie: np.ndarray, folder: Path, threads: int = 1, bad: Sequence[int] = (), **sheet: Any
    ) -> Extraction:
        """Run on a read-only file, as the workflow does. sheet: what it says other than usual."""
        path, scratch = read_only(movie, folder), new_folder(folder, "scratch")
        return self.backend.run(open_movie(path), task(movie, scratch, bad, threads, **sheet))

    @promise()
    def footprints_lie_in_the_field_and_sum_to_one(self, folder: Path) -> None:
        (height, width), found = self.truth.movie.shape[1:], self.found
        assert len(found.weight) > 0, "no ROI is found"
        for roi, (rows, columns, weight) in enumerate(zip(found.pixel_y, found.pixel_x, found.weight, strict=True)):
            assert len(rows) == len(columns) == len(weight) > 0, f"ROI {roi} has no pixels, or not as many weights"
            inside = rows.min() >= 0 and rows.max() < height and columns.min() >= 0 and columns.max() < width
            assert inside, f"ROI {roi} reaches out of the field"
            pixels = set(zip(rows.tolist(), columns.tolist(), strict=True))
            assert len(pixels) == len(rows), f"ROI {roi} holds a pixel twice"
            assert_close(weight.sum(), 1, f"the sum of the weights of ROI {roi}", within=1e-5)

    @promise()
    def cells_are_found_and_measured(self, folder: Path) -> None:
        found, truth = self.found, self.truth
        assert_found(found, truth)
        nearest, _ = matches(found, truth)
        for roi, activity in zip(nearest, truth.activity, strict=True):
            f, fneu = found.fluorescence[roi], found.neuropil[roi]
            r = np.corrcoef(f, activity)[0, 1]
            assert r > 0.99, f"F of ROI {roi} correlates by {r:.3f} with its cell's activity, 0.99 is wanted"
            r = abs(np.corrcoef(fneu, activity)[0, 1])
            assert r < 0.5, f"Fneu of ROI {roi} correlates by {r:.2f} with its cell's activity"
            assert f.min() > 100, f"F of ROI {roi} is {f.min():.0f}: detector units with the background are wanted"
            assert_close(fneu.mean(), 105, f"mean Fneu of ROI {roi}", within=10)

    @promise()
    def shapes_and_tables(self, folder: Path) -> None:
        found, field = self.found, self.truth.movie.shape[1:]
        rois, frames = len(found.weight), len(self.truth.movie)
        for name in ("fluorescence", "neuropil", "calcium", "activity"):
            traces = getattr(found, name)
            if traces is not None or name in ("fluorescence", "neuropil"):
                right = traces is not None and (traces.shape, traces.dtype) == ((rois, frames), np.float32)
                assert right, f"{name} is no float32 of {rois} ROIs and {frames} frames"
        assert found.accepted.shape == (rois,), f"accepted has shape {found.accepted.shape}, of {rois} ROIs"
        for name in ("classifier_probability", "snr", "space_correlation"):
            values = getattr(found, name)
            right = values is None or (values.shape == (rois,) and np.isfinite(values).all())
            assert right, f"{name} is not one finite number for each of {rois} ROIs"
        validate(Rois, describe(found, field))
        validate(Fluorescence, fluorescence_table(found))
        judged = judgement(found)
        assert len(judged.statistics) == len(judged.reasons) == rois, "not every ROI is judged"
        names = ("mean", "maximum", "deviation", "correlation", "peak_to_noise", "energy")
        shapes = {name: image.shape for name, image in judged.images.items()}
        assert shapes == dict.fromkeys(names, field), f"images have shapes {shapes}, the field has {field}"
        mean = self.truth.movie.mean(axis=0)
        assert np.allclose(judged.images["mean"], mean, rtol=1e-5, atol=0), "the mean image is not the movie's mean"
        quality = validate(ExtractionQuality, judged.quality)
        assert quality["accepted"].to_list() == [found.accepted.sum()], "the table counts other accepted ROIs"

    @promise()
    def rois_are_judged_the_same_way_and_cells_are_accepted(self, folder: Path) -> None:
        """Clear cells are accepted, and what is not has a reason."""
        found, judged = self.found, judgement(self.found)
        nearest, _ = matches(found, self.truth)
        assert found.accepted[nearest].all(), "a clear cell is not accepted"
        assert found.visible is not None, "it is not said which ROIs are only visible"
        least, active = self.backend.min_probability, ~found.visible
        probable = np.nan_to_num(judged.cell_probability) >= least
        assert (found.accepted == probable).all(), f"accepted are not those of a probability of at least {least}"
        inside = (judged.cell_probability[active] >= 0) & (judged.cell_probability[active] <= 1)
        assert inside.all(), "a probability is not between 0 and 1"
        explained = [bool(reason) for reason in judged.reasons]
        assert explained == (~found.accepted).tolist(), "a rejected ROI has no reason, or an accepted one has"

    @promise()
    def bad_frames_are_measured_but_not_looked_at(self, folder: Path) -> None:
        """A flash of cell-like light in bad frames makes no ROI, and stays in the traces."""
        movie = self.truth.movie.copy()
        movie[50:60, 60:70, 30:40] += 3000
        found = self.run(movie, new_folder(folder, "unseen"), bad=range(50, 60))
        assert away_from(found, movie, (64.5, 34.5)) > 8, "a flash in bad frames became a ROI"
        assert found.fluorescence.shape[1] == len(movie), "bad frames are missing from the traces"
        assert_found(found, self.truth)
        seen = self.run(movie, new_folder(folder, "seen"))
        assert away_from(seen, movie, (64.5, 34.5)) < 2, "a flash in good frames is not found"

    @promise()
    def two_runs_give_the_same_bytes_with_any_number_of_threads(self, folder: Path) -> None:
        """The field has several tiles, and the movie is read in several parts."""
        movie, made = with_cells((300, 64, 300), count=8).movie, []
        for number, threads in enumerate((1, 1, 2)):
            own = new_folder(folder, str(number))
            found = self.run(movie, own, threads)
            assert len(found.weight) > 0, "no ROI is found"
            made.append(written(found, movie, own))
        assert made[0] == made[1], "a second run gives another result"
        assert made[0] == made[2], "two threads give another result than one"

    @promise()
    def noise_has_no_cells_and_a_warning(self, folder: Path) -> None:
        noise = np.random.default_rng(0).poisson(100, (200, 96, 96)).astype(np.uint16)
        found = self._warned(noise, folder)
        assert not found.accepted.any(), f"{found.accepted.sum()} cells are accepted in noise"
        shape = (len(found.weight), 200)
        assert found.fluorescence.shape == found.neuropil.shape == shape, f"traces are not of shape {shape}"

    @promise()
    def a_movie_that_never_changes_has_no_cells(self, folder: Path) -> None:
        found = self._warned(np.full((200, 96, 96), 100, np.uint16), folder)
        assert found.fluorescence.shape == (0, 200), f"traces have shape {found.fluorescence.shape}, not (0, 200)"

    def _warned(self, movie: np.ndarray, folder: Path) -> Extraction:
        """What is found with a warning that no ROI is, written as by the rule."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = self.run(movie, folder)
        assert any("no ROI" in str(each.message) for each in said), "there is no warning that no ROI is found"
        written(found, movie, folder)
        return found

    @promise()
    def too_few_good_frames_are_refused(self, folder: Path) -> None:
        said = ""
        try:
            self.run(with_cells((60, 64, 64), count=4).movie, folder, bad=range(19, 60))
        except BackendError as error:
            said = str(error)
        assert said, "19 good frames are not refused"
        assert re.search(r"19 good frames.* too few", said), f"refused without saying why: {said}"

    @promise()
    def one_cell_is_enough(self, folder: Path) -> None:
        truth = with_cells((300, 96, 96), count=1)
        assert_found(self.run(truth.movie, folder), truth)

    @promise()
    def many_cells_are_found(self, folder: Path) -> None:
        truth = with_cells((150, 256, 256), count=100)
        found = self.run(truth.movie, folder)
        assert_found(found, truth, share=0.95)
        assert found.accepted.sum() >= 90, f"{found.accepted.sum()} of 100 clear cells are accepted"

    @promise((64, 64, 300), (64, 200, 200), (1024, 512, 40))
    def fields_of_any_size_will_do(self, folder: Path, size: tuple[int, int, int]) -> None:
        height, width, frames = size
        truth = with_cells((frames, height, width), count=4 if height == 64 else 12, decay=2, rate=0.1)
        assert_found(self.run(truth.movie, folder, frame_rate=4.0), truth, share=0.9)

    @promise(0.5, 1.0, 2.0, 3.0)
    def cells_are_found_at_any_pixel_size(self, folder: Path, pixel_size: float) -> None:
        """The cells are of 12 µm, whatever that is in px."""
        radius = 6 / pixel_size
        side = round(16 * radius)
        truth = with_cells((300, side, side), count=4, radius=radius)
        found = self.run(truth.movie, folder, pixel_size=pixel_size)
        assert_found(found, truth, within=0.4 * radius + 1)
        nearest, _ = matches(found, truth)
        area = np.array([len(found.weight[roi]) for roi in nearest]) / (np.pi * (radius + 0.5) ** 2)
        assert ((area > 0.6) & (area < 3)).all(), f"ROIs have {area.round(1).tolist()} times the area of their cells"
        diameter, true = judgement(found).quality["diameter"][0], 12 / pixel_size
        assert_close(diameter, true, "diameter, px", within=0.3 * true)

    @promise(5.0, 15.0, 60.0)
    def cells_are_found_at_any_frame_rate(self, folder: Path, frame_rate: float) -> None:
        """40 s of transients of 0.5 s."""
        frames = round(40 * frame_rate)
        truth = with_cells((frames, 64, 64), count=4, decay=0.5 * frame_rate, rate=0.3 / frame_rate)
        assert_found(self.run(truth.movie, folder, frame_rate=frame_rate), truth)

    @promise(1000, 20_000, 100_000)
    def cells_are_found_in_movies_of_any_length(self, folder: Path, frames: int) -> None:
        truth = with_cells((frames, 36, 36), count=1)
        found = self.run(truth.movie, folder, pixel_size=1.2)
        assert_found(found, truth)
        r = np.corrcoef(found.fluorescence[matches(found, truth)[0][0]], truth.activity[0])[0, 1]
        assert r > 0.99, f"F correlates by {r:.3f} with the cell's activity, 0.99 is wanted"

    @promise()
    def movie_and_home_are_left_alone(self, folder: Path) -> None:
        with untouched(self.truth.movie, folder) as work:
            self.run(self.truth.movie, work)
        left = {path.name for path in work.iterdir()} - {"movie.npy", "scratch"}
        assert not left, f"written beside the movie: {sorted(left)}; the task's scratch folder is the place"


def judgement(found: Extraction) -> Judgement:
    assert found.judgement is not None, "ROIs are not judged"
    return found.judgement


def written(found: Extraction, movie: np.ndarray, folder: Path) -> dict[str, bytes]:
    """Bytes of the files that the rule writes of it."""
    names = {name: f"{name}.parquet" for name in ("rois", "fluorescence", "quality")} | {"images": "images.npz"}
    output = SimpleNamespace(**{name: folder / file for name, file in names.items()})
    write_extraction(output, found, movie, np.zeros(len(movie), bool), acquisition(movie.shape), {})
    return {name: (folder / file).read_bytes() for name, file in names.items()}


def matches(found: Extraction, truth: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Nearest ROI of each cell, and its distance, px."""
    y, x = centroids(found, truth.movie)
    distance = np.hypot(y[:, None] - truth.y, x[:, None] - truth.x)
    return distance.argmin(axis=0), distance.min(axis=0)


def assert_found(found: Extraction, truth: Cells, share: float = 1.0, within: float = 2.0) -> None:
    """A ROI of its own within so many px of this share of the cells."""
    assert len(found.weight), "no ROI is found"
    nearest, distance = matches(found, truth)
    near = distance < within
    assert near.mean() >= share, f"{near.sum()} of {len(near)} cells have a ROI within {within:g} px"
    assert len(set(nearest[near])) == near.sum(), "two cells share a ROI"


def away_from(found: Extraction, movie: np.ndarray, place: tuple[float, float]) -> float:
    """px from a place to the nearest ROI."""
    y, x = centroids(found, movie)
    return float(np.hypot(y - place[0], x - place[1]).min())


def centroids(found: Extraction, movie: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n_rois,) px each."""
    table = describe(found, movie.shape[1:])
    return table["centroid_y"].to_numpy(), table["centroid_x"].to_numpy()
