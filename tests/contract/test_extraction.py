"""What every extraction backend promises, over all of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundtrace.errors import BackendError
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.cnmf import Cnmf
from groundtrace.extraction.cnmfe import CnmfE
from groundtrace.extraction.given.kinds import RoiFile
from groundtrace.extraction.masks import Masks
from groundtrace.extraction.onacid import OnAcid
from groundtrace.extraction.one_photon import OnePhoton
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.extraction.transients import Transients
from groundtrace.movies.file import open_movie
from groundtrace.testing.contract import new_folder, read_only
from groundtrace.testing.extraction import ExtractionContract
from groundtrace.testing.movies import task
from tests.packages import require

# The faster regression: CaImAn's backends take minutes for this file with the other.
BACKENDS = {
    "transients": Transients(),
    "suite2p": Suite2pExtraction(),
    "cnmf": Cnmf(regression="nnls_L0"),
    "cnmfe": CnmfE(min_correlation=0.5, min_peak_to_noise=5, regression="nnls_L0"),
    "onacid": OnAcid(),
}


# What it adds to transients, which keeps all promises, lies before the search; its Fneu holds changes only.
OF_ONE_PHOTON = (
    "footprints_lie_in_the_field_and_sum_to_one",
    "shapes_and_tables",
    "movie_and_home_are_left_alone",
    "two_runs_give_the_same_bytes_with_any_number_of_threads",
    "rois_are_judged_the_same_way_and_cells_are_accepted",
)


@pytest.fixture(params=BACKENDS, scope="module")
def contract(request) -> ExtractionContract:
    require(BACKENDS[request.param])
    return ExtractionContract(BACKENDS[request.param])


@pytest.mark.parametrize("promise", ExtractionContract.promises(), ids=lambda promise: promise.name)
def test_promise(contract, promise, tmp_path):
    promise.check(contract, tmp_path)


@pytest.fixture(scope="module")
def transients() -> ExtractionContract:
    return ExtractionContract(Transients())


@pytest.mark.parametrize("sheet", [{"frame_rate": 2.5}, {"frame_rate": 40.0}, {"indicator": "GCaMP6s"}], ids=str)
def test_a_slip_in_the_sheet_does_not_decide_which_rois_transients_finds(sheet, transients, tmp_path):
    right, wrong = transients.found, transients.run(transients.truth.movie, tmp_path, **sheet)
    for name in ("pixel_y", "pixel_x", "weight"):
        for one, other in zip(getattr(right, name), getattr(wrong, name), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(right.accepted, wrong.accepted)
    np.testing.assert_array_equal(right.fluorescence, wrong.fluorescence)


class GivenRois(ExtractionContract):
    """What a backend promises that measures the ROIs it is given, here disks where the cells are."""

    kept = (
        "footprints_lie_in_the_field_and_sum_to_one",
        "cells_are_found_and_measured",
        "shapes_and_tables",
        "movie_and_home_are_left_alone",
    )

    def run(
        self, movie: np.ndarray, folder: Path, threads: int = 1, bad: Sequence[int] = (), **sheet: Any
    ) -> Extraction:
        path, scratch = read_only(movie, folder), new_folder(folder, "scratch")
        rows, columns = np.mgrid[: movie.shape[1], : movie.shape[2]]
        labels = np.zeros(movie.shape[1:], np.uint16)
        for label, (y, x) in enumerate(zip(self.truth.y, self.truth.x, strict=True), start=1):
            labels[np.hypot(rows - y, columns - x) < 5] = label
        np.save(scratch / "labels.npy", labels)
        job = replace(task(movie, scratch, bad, threads, **sheet), rois=RoiFile(scratch / "labels.npy"))
        return self.backend.run(open_movie(path), job)


@pytest.fixture(scope="module")
def given() -> GivenRois:
    require(Masks())
    return GivenRois(Masks())


@pytest.mark.parametrize(
    "promise",
    [each for each in ExtractionContract.promises() if each.name in GivenRois.kept],
    ids=lambda each: each.name,
)
def test_promise_of_given_rois(given, promise, tmp_path):
    promise.check(given, tmp_path)


@pytest.fixture(scope="module")
def one_photon() -> ExtractionContract:
    return ExtractionContract(OnePhoton())


@pytest.mark.parametrize(
    "promise",
    [each for each in ExtractionContract.promises() if each.name in OF_ONE_PHOTON],
    ids=lambda each: each.name,
)
def test_promise_of_one_photon(one_photon, promise, tmp_path):
    promise.check(one_photon, tmp_path)


def test_one_photon_measures_cells_over_the_light_of_the_background(one_photon):
    found, truth = one_photon.found, one_photon.truth
    centres = np.array([[y.mean(), x.mean()] for y, x in zip(found.pixel_y, found.pixel_x, strict=True)])
    for y, x, activity in zip(truth.y, truth.x, truth.activity, strict=True):
        roi = np.hypot(*(centres - (y, x)).T).argmin()
        assert np.corrcoef(found.fluorescence[roi], activity)[0, 1] > 0.99
        assert found.fluorescence[roi].min() > 100
        assert abs(found.neuropil[roi].mean()) < 1


def test_one_photon_after_denoising_is_refused(tmp_path):
    movie = np.zeros((60, 32, 32), np.uint16)
    with pytest.raises(BackendError, match="use denoise: none in its recipe"):
        OnePhoton().run(movie, task(movie, tmp_path), movie.copy())


def test_traces_of_given_rois_are_the_same_with_any_number_of_threads(given, tmp_path):
    one, two = (given.run(given.truth.movie, new_folder(tmp_path, str(n)), threads=n) for n in (1, 2))
    for name in ("fluorescence", "neuropil"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
