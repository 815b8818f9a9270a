"""Statistics of ROIs: their meaning, and that they depend on the ROI and its surroundings alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter1d
from scipy.spatial import ConvexHull
from scipy.stats import skew as skewness

from groundtrace.extraction.base import Footprint
from groundtrace.extraction.statistics import NAMES, Images, Statistics, measure, solidity
from groundtrace.extraction.statistics_kernels import (
    ACTIVE,
    SEEN,
    SMOOTHED,
    SMOOTHED_SKEW,
    around,
    hull_area,
    seen,
    standard,
)
from groundtrace.extraction.transients import Transients
from groundtrace.testing.movies import task, with_cells
from tests.unit.extraction.scenes import disk_image, footprint

FIELD, BINS, DIAMETER = (60, 70), 400, 10.0
PLACES = [(20, 20), (20, 45), (42, 30)]
IMAGES = Images(np.full(FIELD, 100.0), np.ones(FIELD), np.full(FIELD, 1e-6))


def disk(y: float, x: float, radius: float = 5) -> Footprint:
    return footprint(disk_image(FIELD, y, x, radius))


def movie(seed: int = 0) -> np.ndarray:
    """Noise, and events of cells at the first two places."""
    random = np.random.default_rng(seed)
    z = random.normal(0, 1, (*FIELD, BINS))
    for y, x in PLACES[:2]:
        trace = np.convolve(random.random(BINS) < 0.03, np.exp(-np.arange(20) / 4))[:BINS]
        z += 3 * disk_image(FIELD, y, x, 5)[:, :, None] * trace
    return z.astype(np.float32)


def of(*rois: Footprint, z: np.ndarray | None = None, images: Images = IMAGES) -> Statistics:
    return Statistics.of(measure(movie() if z is None else z, images, DIAMETER, list(rois)))


def reference(z: np.ndarray, mean, noise, skew, weight, near: int, far: int) -> list[float]:
    """`seen` by arrays."""
    mask = weight > 0
    filtered = np.where(mask, weight / noise, 0)
    filtered /= np.sqrt(np.square(filtered).sum())
    soft = gaussian_filter1d(np.tensordot(filtered, z.astype(float)), 1.0, mode="nearest")
    soft -= np.median(soft)
    scale = max(SMOOTHED, np.sqrt(np.square(soft[soft < 0]).mean()))
    lean = max(SMOOTHED_SKEW * float((filtered**3 * skew).sum()), 1e-3)
    trace = 1.5 / lean * (np.maximum(1 + lean * soft / scale, 0) ** (2 / 3) - 1)
    ring = binary_dilation(mask, iterations=far) & ~binary_dilation(mask, iterations=near)
    active = np.where(trace > SEEN, trace, 0)
    image = z @ active
    power = np.square(np.maximum(image, 0))
    return [
        trace.max(),
        np.linalg.norm(trace[trace > ACTIVE]),
        skewness(trace),
        power[mask].sum() / power.sum(),
        1 - image[ring].mean() / image[mask].mean(),
        (mean[mask].mean() - mean[ring].mean()) / mean[ring].std(),
    ]


@pytest.mark.parametrize("place", [*PLACES, (1, 30)], ids=str)
def test_what_is_seen_of_a_roi_is_what_arrays_say(place):
    random = np.random.default_rng(1)
    mean, noise, skew = random.uniform(0.5, 2, (3, *FIELD)).astype(np.float32)
    weight = (disk_image(FIELD, *place, 5) * random.uniform(0.5, 1, FIELD)).astype(np.float32)
    given = (movie(), mean, noise, skew, weight, 1, 4)
    np.testing.assert_allclose(seen(*given), reference(*given), rtol=1e-4, atol=1e-5)


def test_around_a_roi_lies_what_so_many_steps_reach():
    random = np.random.default_rng(0)
    for near, far in [(0, 1), (1, 3), (2, 7)]:
        mask = random.random((15, 21)) < 0.03
        ring = binary_dilation(mask, iterations=far)
        ring &= ~(binary_dilation(mask, iterations=near) if near else mask)
        np.testing.assert_array_equal(around(mask, near, far), ring)


def test_cells_and_noise_differ_as_the_names_say():
    cell, _, noise = (of(disk(*place)) for place in PLACES)
    assert cell.peak[0] > 15 > 6 > noise.peak[0]
    assert cell.energy[0] > 50
    assert noise.energy[0] < 8
    assert cell.skewness[0] > 1 > 0.5 > abs(noise.skewness[0])
    assert cell.inside[0] > 0.8 > 0.5 > noise.inside[0]
    assert cell.sharpness[0] > 0.9
    for found in (cell, noise):
        assert found.relative_area[0] == pytest.approx(1, abs=0.05)
        assert found.compactness[0] == pytest.approx(1, abs=0.03)
        assert found.solidity[0] > 0.85


def test_half_a_cell_and_two_cells_are_told_apart_from_one():
    whole, half, both = of(
        disk(20, 20),
        footprint(disk_image(FIELD, 20, 20, 5) * (np.arange(70) < 20)),
        footprint(disk_image(FIELD, 20, 20, 5) + disk_image(FIELD, 20, 45, 5)),
    ).matrix()
    column = {name: k for k, name in enumerate(NAMES)}
    assert half[column["sharpness"]] < 0.8 < whole[column["sharpness"]]
    assert half[column["inside"]] < 0.8 * whole[column["inside"]]
    assert both[column["relative_area"]] == pytest.approx(2 * whole[column["relative_area"]])
    assert both[column["compactness"]] > 1.5
    assert both[column["solidity"]] < 0.6


def test_they_do_not_depend_on_other_rois():
    rois = [disk(*place) for place in PLACES]
    together = of(*rois).matrix()
    np.testing.assert_array_equal(together, np.concatenate([of(roi).matrix() for roi in rois]))
    np.testing.assert_array_equal(of(*rois[::-1]).matrix(), together[::-1])


def test_they_do_not_depend_on_what_is_far_away():
    z, far = movie(), movie()
    far[:, 37:] += 50 * np.random.default_rng(3).random(BINS).astype("f4")
    np.testing.assert_array_equal(of(disk(20, 20), z=z).matrix(), of(disk(20, 20), z=far).matrix())


@pytest.mark.parametrize("place", [(0, 30), (1, 30), (2, 30), (59, 30), (57, 30), (30, 0), (30, 69), (30, 66)], ids=str)
def test_a_cell_that_the_edge_cuts_is_as_compact_as_a_whole_one(place):
    found = of(disk(*place)).matrix()[0]
    assert np.isfinite(found).all()
    assert found[NAMES.index("compactness")] == pytest.approx(1, abs=0.08)


def test_the_edge_makes_nothing_compact():
    line, branch = np.zeros(FIELD), np.zeros(FIELD)
    line[0, 10:30] = branch[:20, 30:32] = 1
    assert (of(footprint(line), footprint(branch)).compactness > 1.4).all()


def test_contrast_is_that_of_the_mean_image():
    """Three times the spread of the ring, whatever the detector's offset."""
    mean = 100 + np.random.default_rng(0).normal(0, 2, FIELD) + 6 * disk_image(FIELD, 20, 20, 5)
    for offset in (0, 1000):
        found = of(disk(20, 20), disk(42, 30), images=replace(IMAGES, mean=mean + offset))
        assert found.mean_contrast[0] == pytest.approx(3, rel=0.25)
        assert abs(found.mean_contrast[1]) < 0.6


def test_no_roi_has_no_statistics():
    assert of().matrix().shape == (0, len(NAMES))
    assert len(of()) == 0


def test_smoothing_leaves_of_noise_what_is_said():
    noise = np.random.default_rng(0).gamma(4, 1, (400, 4000))
    noise = (noise - 4) / 2
    soft = gaussian_filter1d(noise, 1.0, axis=1, mode="nearest")
    assert soft.std() == pytest.approx(SMOOTHED, abs=0.01)
    assert (soft**3).mean() / soft.std() ** 3 == pytest.approx(SMOOTHED_SKEW * 1.0, abs=0.03)


@pytest.mark.parametrize("skew", [1e-6, 0.3, 0.8])
def test_a_standard_trace_of_noise_is_normal_whatever_its_scale(skew):
    random = np.random.default_rng(0)
    photons = 1 / skew**2 if skew > 0.01 else None
    noise = (random.poisson(photons, 200_000) - photons) * skew if photons else random.normal(0, 1, 200_000)
    trace = standard(noise, skew)
    assert np.mean(trace > 3) == pytest.approx(0.00135, abs=0.0007)
    assert abs(np.median(trace)) < 0.1
    loud = standard(3 * noise + 7, skew)
    assert np.mean(loud > 3) < 0.005, "its negative half tells somewhat too little of noise that is skewed"
    quiet = standard(0.1 * noise, skew)
    assert np.abs(quiet).max() < 1, "never in units of less than the noise of independent pixels"


def test_solidity_of_squares_rings_and_lines():
    rows, columns = np.nonzero(np.ones((5, 7)))
    assert solidity(rows, columns) == pytest.approx(1)
    assert solidity(np.arange(6), np.zeros(6, int)) == pytest.approx(1)
    cross = np.zeros((9, 9))
    cross[4] = cross[:, 4] = 1
    assert solidity(*np.nonzero(cross)) == pytest.approx(17 / 49, rel=0.1)


def test_the_hull_is_that_of_the_corners():
    random = np.random.default_rng(0)
    for count in (3, 10, 60):
        rows, columns = random.integers(-9, 9, (2, count))
        corners = np.concatenate([np.column_stack([rows + dy, columns + dx]) for dy in (0, 1) for dx in (0, 1)])
        assert hull_area(rows, columns) == pytest.approx(ConvexHull(corners).volume)


def test_a_verdict_does_not_depend_on_the_part_of_the_field_that_was_recorded(tmp_path):
    """Cells from clear to hardly there: nine tenths of those that the left half shows too are judged the same there."""
    same, accepted = [], []
    for seed in range(3):
        responses = np.random.default_rng(seed + 1).permutation(np.geomspace(0.04, 1.0, 64))
        movie = with_cells((200, 192, 192), count=64, response=responses, seed=seed).movie
        half = verdicts(np.ascontiguousarray(movie[:, :, :108]), tmp_path / f"half {seed}")
        for (y, x), verdict in verdicts(movie, tmp_path / f"whole {seed}"):
            near = [other for place, other in half if np.hypot(place[0] - y, place[1] - x) < 2]
            if x < 96 and near:
                same.append(near[0] == verdict)
                accepted.append(verdict)
    assert len(same) > 60
    assert min(accepted.count(True), accepted.count(False)) >= 3, "there are clear and doubtful ones"
    assert np.mean(same) >= 0.9


def verdicts(movie: np.ndarray, folder: Path) -> list[tuple[tuple[float, float], bool]]:
    folder.mkdir()
    found = Transients(visible=False).run(movie, task(movie, folder))
    return [
        ((float(y.mean()), float(x.mean())), bool(accepted))
        for y, x, accepted in zip(found.pixel_y, found.pixel_x, found.accepted, strict=True)
    ]
