"""The cells that `transients` presents of real movies are those that an expert would have picked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from groundtrace.acquisition import Acquisition
from groundtrace.extraction.base import Extraction, Footprint
from groundtrace.extraction.transients import Transients
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.quality import assess
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session
from groundtrace.task import Task
from groundtrace.traces.dff import DffParameters, compute_dff, signal_to_noise
from tests.unit.extraction.scenes import footprint, iou


@dataclass(frozen=True)
class Registered:
    movie: np.ndarray
    bad: np.ndarray
    acquisition: Acquisition


def registered(pattern: Path, folder: Path, **sheet) -> Registered:
    """A real recording after ingest and motion correction, as the default recipe has it."""
    if not list(pattern.parent.glob(pattern.name)):
        pytest.skip(f"{pattern} is not in the test data")
    session = Session.model_validate({"subject": "a", "session": "1", "path": str(pattern)} | sheet)
    found = ingest(session, session.files(), 0, folder / "raw.npy")
    raw = open_movie(folder / "raw.npy")
    movie = create_movie(folder / "movie.npy", raw.shape, raw.dtype)
    scratch = folder / "motion"
    scratch.mkdir()
    registration = Phase().run(raw, movie, Task(found.acquisition, np.zeros(len(raw), bool), scratch, 1))
    shifts: pl.DataFrame = assess(raw, movie, registration, found.frames)[0]
    return Registered(movie, shifts["bad"].to_numpy(), found.acquisition)


@pytest.fixture(scope="module")
def fissa(test_data, tmp_path_factory) -> Registered:
    pattern = test_data / "movies/fissa_A0*.tif"
    return registered(pattern, tmp_path_factory.mktemp("fissa"), frame_rate=30, indicator="GCaMP6f")


@pytest.fixture(scope="module")
def mouse(test_data, tmp_path_factory) -> Registered:
    pattern = test_data / "movies/mouse2p_128x128x2000.tiff"
    return registered(pattern, tmp_path_factory.mktemp("mouse"), frame_rate=30, indicator="GCaMP6s")


def extract(given: Registered, folder: Path, **settings) -> Extraction:
    return Transients(**settings).run(given.movie, Task(given.acquisition, given.bad, folder, 1))


def manual(path: Path, field: tuple[int, int]) -> list[Footprint]:
    """Polygons of ImageJ as pixels."""
    roifile = pytest.importorskip("roifile")
    if not path.is_file():
        pytest.skip(f"{path} is not in the test data")
    drawn = pytest.importorskip("matplotlib.path").Path
    centres = np.stack(np.meshgrid(np.arange(field[1]), np.arange(field[0])), axis=-1).reshape(-1, 2) + 0.5
    return [
        footprint(drawn(roi.coordinates()).contains_points(centres).reshape(field).astype(float))
        for roi in roifile.roiread(path)
    ]


def test_cells_drawn_by_hand_are_found_and_accepted_among_few(fissa, test_data, tmp_path):
    """fissa, mouse V1: four cells of about 20 px."""
    found = extract(fissa, tmp_path, diameter_px=20)
    rois = zip(found.pixel_y, found.pixel_x, found.weight, strict=True)
    accepted = [roi for roi, yes in zip(rois, found.accepted, strict=True) if yes]
    cells = manual(test_data / "movies/fissa_rois.zip", fissa.movie.shape[1:])
    overlap = [max(iou(cell, roi) for roi in accepted) for cell in cells]
    assert len(overlap) == 4
    assert min(overlap) >= 0.5, overlap
    assert found.accepted.sum() <= 30


def test_rois_of_high_signal_to_noise_are_accepted(mouse, tmp_path):
    """mouse2p: of the twenty that stand out most at least sixteen."""
    found = extract(mouse, tmp_path)
    rate = mouse.acquisition.frame_rate
    dff = compute_dff(found.fluorescence, found.neuropil, rate, mouse.acquisition.offset or 0.0, DffParameters()).dff
    snr = np.nan_to_num(signal_to_noise(dff), nan=-1)
    strongest = np.argsort(-snr, kind="stable")[:20]
    assert found.accepted[strongest].sum() >= 16
    assert 20 < found.accepted.sum() < 100
