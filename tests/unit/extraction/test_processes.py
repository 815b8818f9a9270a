"""Dendrites: pieces of one become one ROI, others stay apart, and noise is told by the inverted movie."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from groundtrace.extraction.joining import joined
from groundtrace.extraction.processes import ByDecoys, Processes
from groundtrace.extraction.search import survey
from groundtrace.extraction.statistics import NAMES, Statistics
from groundtrace.testing.movies import task
from tests.unit.extraction.scenes import scene_of

FIELD, FRAMES = (80, 96), 900


def branches() -> tuple[np.ndarray, np.ndarray]:
    """(2, Y, X) where two dendrites lie, 3 px wide, the first one interrupted; (2, T) their activity."""
    masks = np.zeros((2, *FIELD), bool)
    masks[0, 20:23, 8:44] = masks[0, 22:25, 48:88] = True
    masks[1, 30:74, 60:63] = True
    random = np.random.default_rng(0)
    events = random.random((2, FRAMES)) < 0.012
    kernel = np.exp(-np.arange(60) / 8)
    return masks, np.array([np.convolve(row, kernel)[:FRAMES] for row in events])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    masks, activity = branches()
    light = 30 + np.einsum("kyx,kt->tyx", 30.0 * masks, activity)
    movie = np.random.default_rng(1).poisson(light).astype(np.uint16)
    backend = Processes(diameter_px=4)
    return backend.run(movie, task(movie, tmp_path_factory.mktemp("processes")))


def test_pieces_of_one_dendrite_are_one_roi(found):
    masks, activity = branches()
    accepted = np.flatnonzero(found.accepted)
    assert len(accepted) == 2
    for mask, trace in zip(masks, activity, strict=True):
        shares = [mask[found.pixel_y[n], found.pixel_x[n]].sum() / mask.sum() for n in accepted]
        best = accepted[int(np.argmax(shares))]
        assert max(shares) > 0.8
        assert mask[found.pixel_y[best], found.pixel_x[best]].mean() > 0.6
        assert np.corrcoef(found.fluorescence[best], trace)[0, 1] > 0.95
    assert found.kind == "process"


@pytest.mark.parametrize("photons", [3, 30, 200])
def test_noise_holds_no_process(photons, tmp_path):
    movie = np.random.default_rng(2).poisson(photons, (400, 64, 64)).astype(np.uint16)
    found = Processes(diameter_px=4).run(movie, task(movie, tmp_path))
    assert not found.accepted.any()


def test_a_scene_without_sources_has_nothing_to_join(tmp_path):

    movie = np.full((100, 40, 40), 50, np.uint16)
    scene = scene_of(movie, tmp_path)
    with ThreadPoolExecutor(1) as pool:
        assert joined(survey(scene, pool, most=10), scene, pool, 0.7, 2).footprints == []


def test_probability_is_the_share_that_noise_does_not_explain():
    """Noise gives sources as decoys, of energy 15 to 18; true ones have more."""
    random = np.random.default_rng(0)
    noise, decoys, true = random.uniform(15, 18, 300), random.uniform(15, 18, 300), random.uniform(18.5, 50, 60)
    judge = ByDecoys.of(np.concatenate([noise, true]), decoys)
    rows = np.full((3, len(NAMES)), np.nan)
    rows[:, NAMES.index("energy")] = [16.0, 18.0, 25.0]
    low, edge, high = judge.probability(Statistics.of(rows))
    assert low < 0.3
    assert low <= edge <= high
    assert high > 0.9
    nothing = ByDecoys.of(np.zeros(0), np.zeros(0))
    assert (nothing.probability(Statistics.of(rows)) == 0).all()
