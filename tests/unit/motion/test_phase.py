"""The own motion backend: each step against a slow reference, the whole on recordings whose motion is known."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter

from groundtrace.errors import BackendError
from groundtrace.motion.moving import Displacement
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.phase.blocks import Fit, Grid
from groundtrace.motion.phase.filters import Limits
from groundtrace.motion.phase.kernels import block_steps, follow, measure_blocks
from groundtrace.motion.phase.smoothing import Modes, Prior
from groundtrace.motion.phase.stretches import Reader, at_jumps, find_stretches, jumps
from groundtrace.motion.phase.template import Matcher, binned, look_far
from groundtrace.motion.quality import assess
from groundtrace.notices import Notice, noting
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.simulate import prepare, raw_frames
from groundtrace.simulation.truth import true_displacement
from groundtrace.testing.movies import frames_table, one_photon, task

SHAPE = (96, 128)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A template with structure of a few pixels, 40 units bright."""
    return 40 + 8 * gaussian_filter(np.random.default_rng(0).standard_normal(SHAPE), 1.5) / 0.19


def displaced(scene: np.ndarray, y: float, x: float) -> np.ndarray:
    rows, columns = np.indices(scene.shape, dtype=float)
    return map_coordinates(spline_filter(scene), (rows - y, columns - x), order=3, prefilter=False, mode="nearest")


def fit_of(template: np.ndarray, variance: np.ndarray | float) -> Fit:
    """With noise of independent pixels."""
    variance = np.broadcast_to(variance, SHAPE).astype(float)
    noise = np.sqrt(variance) * np.random.default_rng(7).standard_normal((400, *SHAPE))
    return fit_with(noise.astype(np.float32), template, variance)


def fit_with(noise: np.ndarray, template: np.ndarray, variance: np.ndarray) -> Fit:
    with ThreadPoolExecutor(1) as pool:
        return Fit.of(template, variance, Grid.over(SHAPE), noise, pool)


def measure(fit: Fit, frames: np.ndarray, start: np.ndarray, rounds: int) -> np.ndarray:
    """Displacements (n, blocks, 2) with no prior."""
    found = np.repeat(start[:, None], len(fit.grid.bounds), axis=1)
    for _ in range(rounds + 1):
        measure_blocks(frames, np.arange(len(frames)), fit.model, found.copy(), np.ones(len(frames)), found)
    return found


def inner(grid: Grid) -> np.ndarray:
    """Blocks that stay in the frame when it moves: a pixel from outside counts as the template's."""
    top, bottom, left, right = grid.bounds.T
    return (top >= 8) & (left >= 8) & (bottom <= grid.shape[0] - 8) & (right <= grid.shape[1] - 8)


def test_weights_of_a_block_are_those_of_least_squares_with_brightness_and_background_free(scene):
    grid, variance = Grid.over(SHAPE), np.random.default_rng(3).uniform(1, 9, SHAPE)
    slopes = np.gradient(scene)
    size = (grid.bounds[:, 1] - grid.bounds[:, 0]).max(), (grid.bounds[:, 3] - grid.bounds[:, 2]).max()
    weights = np.zeros((len(grid.bounds), 2, *size), np.float32)
    covariance = np.zeros((len(grid.bounds), 2, 2))
    seen = np.stack([scene, *slopes])
    block_steps(seen, seen, variance, grid.bounds, weights, covariance)
    for b, (top, bottom, left, right) in enumerate(grid.bounds):
        part = slice(top, bottom), slice(left, right)
        design = np.stack([slopes[0][part], slopes[1][part], scene[part], np.ones_like(scene[part])], axis=-1)
        design = design.reshape(-1, 4) / np.sqrt(variance[part]).reshape(-1, 1)
        expected = np.linalg.pinv(design)[:2] / np.sqrt(variance[part]).ravel()
        found = covariance[b] @ weights[b, :, : bottom - top, : right - left].reshape(2, -1)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
        np.testing.assert_allclose(covariance[b], np.linalg.inv(design.T @ design)[:2, :2], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("by", [1, 2, 4])
def test_binned_frames_are_sums_without_their_mean(by):
    frames = np.random.default_rng(0).integers(-900, 900, (3, 21, 30)).astype(np.int16)
    height, width = 21 // by, 30 // by
    sums = frames[:, : height * by, : width * by].reshape(3, height, by, width, by).sum(axis=(2, 4), dtype=float)
    np.testing.assert_allclose(binned(frames, by), sums - sums.mean(axis=(1, 2), keepdims=True), atol=0.02)


@pytest.mark.parametrize(("y", "x"), [(0.0, 0.0), (0.4, -0.3), (3.2, -5.7), (-7.5, 6.1)])
def test_a_known_displacement_is_found_in_every_block(scene, y, x):
    frames = np.rint(100 * displaced(scene, y, x)).astype(np.int16)[None]
    fit = fit_of(100 * scene, 4.0)
    found = measure(fit, frames, np.array([[np.rint(y), np.rint(x)]]), rounds=3)
    within = inner(fit.grid)
    np.testing.assert_allclose(found[0, within], np.broadcast_to([y, x], (within.sum(), 2)), atol=0.01)


def test_brightness_and_background_do_not_matter(scene):
    fit = fit_of(100 * scene, 4.0)
    frame = displaced(scene, 0.3, 0.6)
    frames = np.rint([100 * frame, 100 * frame + 3000, 120 * frame - 500]).astype(np.int16)
    found = measure(fit, frames, np.zeros((3, 2)), rounds=2)
    within = inner(fit.grid)
    np.testing.assert_allclose(found[1, within], found[0, within], atol=2e-3)
    np.testing.assert_allclose(found[2, within], found[0, within], atol=0.05)


def test_the_error_of_a_block_is_that_of_photon_noise(scene):
    random = np.random.default_rng(1)
    fit = fit_of(scene, scene)
    frames = random.poisson(displaced(scene, 0.1, -0.2), (300, *SHAPE)).astype(np.uint16)
    found = measure(fit, frames, np.zeros((300, 2)), rounds=1)
    spread = found.std(axis=0)
    np.testing.assert_allclose(spread[:, 0], np.sqrt(fit.error[0]), rtol=0.25)
    np.testing.assert_allclose(spread[:, 1], np.sqrt(fit.error[1]), rtol=0.25)
    np.testing.assert_allclose((spread**2).mean(axis=0), fit.error.mean(axis=1), rtol=0.1)


def test_correlated_noise_makes_larger_errors(scene):
    random = np.random.default_rng(2)
    independent = random.standard_normal((400, *SHAPE)).astype(np.float32)
    smooth = gaussian_filter(independent, (0, 1, 1))
    smooth /= smooth.std()
    fits = [fit_with(noise, scene, np.ones(SHAPE)) for noise in (independent, smooth)]
    assert fits[0].inflation.mean() == pytest.approx(1, rel=0.1)
    frames = np.rint(100 * (scene + smooth)).astype(np.int16)
    hundredfold = fit_with(100 * smooth, 100 * scene, np.full(SHAPE, 1e4))
    spread = measure(hundredfold, frames, np.zeros((400, 2)), rounds=1).var(axis=0)
    assert fits[1].inflation.mean() > 3
    np.testing.assert_allclose(spread.mean(axis=0), hundredfold.error.mean(axis=1), rtol=0.25)


def test_where_a_frame_lies_and_how_much_of_it_is_seen(scene):
    matcher = Matcher.of(scene, np.ones(SHAPE), 12)
    wanted = np.array([(0, 0), (3.3, -6.8), (-11, 10.4)])
    frames = [100 * np.roll(displaced(scene, *(shift % 1)), np.floor(shift).astype(int), (0, 1)) for shift in wanted]
    shifts, share = matcher.locate(np.rint([*frames, np.full(SHAPE, 4000.0)]).astype(np.int16))
    np.testing.assert_allclose(shifts[:3], wanted, atol=0.3)
    np.testing.assert_allclose(share[:3] / 100, 1, atol=0.15)
    assert abs(share[3]) < 1e-3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.999), st.sets(st.integers(1, 11), max_size=3))
def test_following_a_mode_is_the_gaussian_posterior(seed, persistence, borders):
    """Against the dense solution: x has the AR(1) prior, anew at each border, and values = x + error."""
    random = np.random.default_rng(seed)
    n, signal = 12, float(random.uniform(0.1, 5))
    values, error, process = random.normal(0, 2, n), random.uniform(0.05, 3, n), random.uniform(0.01, 2, n)
    begins = np.isin(np.arange(n), [0, *borders])
    steps = np.eye(n) - persistence * np.eye(n, k=-1) * ~begins[:, None]
    precision = steps.T @ np.diag(1 / np.where(begins, signal, process)) @ steps
    covariance = np.linalg.inv(precision + np.diag(1 / error))
    expected = covariance @ (values / error)
    mean, variance, change = follow(values, error, process, begins, persistence, signal)
    np.testing.assert_allclose(mean, expected, atol=1e-8)
    np.testing.assert_allclose(variance, np.diag(covariance), atol=1e-8)
    second = steps @ (covariance + np.outer(expected, expected)) @ steps.T
    np.testing.assert_allclose(change[~begins], np.diag(second)[~begins], atol=1e-8)
    assert np.isnan(change[begins]).all()


def test_templates_are_compared_where_both_show_tissue(scene):
    """Most of a mean of frames lies far away; of the field in view there it shows more than of the whole field here."""
    far = round(0.35 * SHAPE[0])
    away = np.zeros(SHAPE)
    away[far:] = scene[:-far]
    matcher, image = Matcher.of(scene, np.ones(SHAPE), 12), (0.45 * scene + 0.75 * away)[None]
    found = []
    for in_view in (False, True):
        shift, share = matcher.locate(image)
        look_far(matcher, image, shift, share, np.zeros(1, bool), 1.0, in_view)
        found.append(shift[0].round().tolist())
    assert found == [[0, 0], [far, 0]]


def test_modes_give_the_gaussian_process_back():
    """Measured without error, a field drawn from the prior is found everywhere; the mean is that over the field."""
    grid, prior = Grid.over((128, 256)), Prior()
    error = np.random.default_rng(0).uniform(1e-7, 2e-7, len(grid.bounds))
    places, wanted = grid.places(), np.array([[0.0, 0.0], [60.0, 130.0], [127.0, 255.0]])
    together = np.concatenate([places, wanted])
    covariance = prior.covariance(together, together, grid.shape)
    field = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(together))) @ np.random.default_rng(1).standard_normal(
        len(together)
    )
    modes = Modes.of(prior, places, error, grid.shape, wanted)
    found = field[: len(places)] @ modes.analysis
    regression = covariance[len(places) :, : len(places)] @ np.linalg.inv(
        covariance[: len(places), : len(places)] + np.diag(error)
    )
    np.testing.assert_allclose(found @ modes.synthesis, regression @ field[: len(places)], atol=0.05)
    assert found @ modes.mean == pytest.approx(field[: len(places)].mean(), abs=1e-3)


def recording(**changes) -> tuple[np.ndarray, pl.DataFrame]:
    """A simulated movie and the table of its true motion."""
    parameters = Simulation(**{"frames": 300, "height": 128, "width": 128} | changes)
    session = Session(subject="a", session="1", indicator="GCaMP6s", frame_rate=30, pixel_size=1.5, simulate="x")
    planes = prepare(parameters, session)
    return np.array(list(raw_frames(planes, parameters, session))), planes[0].truth().displacement(0)


def register(movie: np.ndarray, tmp_path, **parameters):
    registered = np.empty_like(movie)
    return registered, Phase(**parameters).run(movie, registered, task(movie, tmp_path))


@pytest.fixture(scope="module", params=[10.0, 2.0])
def known(request, tmp_path_factory):
    movie, truth = recording(photons=request.param)
    registered, result = register(movie, tmp_path_factory.mktemp("known"))
    shifts, *_ = assess(movie, registered, result, frames_table(len(movie)))
    # Lines jitter: the mean over the field is one over all of them.
    y, x = np.meshgrid(np.arange(128.0), np.arange(8, 128, 16.0), indexing="ij")
    found = Displacement.of(shifts, result.shift.blocks).at(y, x)
    return request.param, found - true_displacement(truth, (128, 128), y + found[0], x + found[1]), result


def test_the_residual_is_close_to_what_the_photons_allow(known):
    photons, residual, _ = known
    residual = residual - residual.mean(axis=(1, 2, 3), keepdims=True)
    assert np.sqrt((residual**2).sum(axis=0).mean()) < {10.0: 0.4, 2.0: 0.5}[photons]


def test_standard_errors_say_how_far_off_a_shift_is(known):
    _, residual, result = known
    for axis, error in enumerate((result.y_error, result.x_error)):
        off = residual[axis].mean(axis=(1, 2))
        inside = np.abs(off - np.median(off)) < 1.645 * error
        assert 0.7 < inside.mean() < 0.98


def test_a_jump_is_not_smeared_over_its_neighbours(tmp_path):
    still, _ = recording(frames=200, motion=0, nonrigid=0, line_jitter=0)
    movie = still.copy()
    movie[100] = np.roll(still[100], (5, -4), (0, 1))
    _, result = register(movie, tmp_path)
    shifts = np.stack([result.shift.y, result.shift.x], axis=1) - np.median([result.shift.y, result.shift.x], axis=1)
    np.testing.assert_allclose(shifts[100], [5, -4], atol=0.5)
    assert np.abs(np.delete(shifts, 100, axis=0)).max() < 0.3


@pytest.mark.parametrize("kind", ["dark", "saturated", "half a field away"])
def test_a_frame_that_shows_nothing_is_interpolated_and_says_so(kind, tmp_path):
    movie, truth = recording(frames=120)
    movie[60] = {"dark": 0, "saturated": 32767}.get(kind, np.roll(movie[60], (64, 64), (0, 1)))
    _, result = register(movie, tmp_path)
    off = result.shift.y - truth["y"].to_numpy()
    assert result.correlation[60] < 0.3 * np.median(result.correlation)
    assert result.y_error[60] > 1.5 * np.median(result.y_error)
    assert abs(off[60] - np.median(off)) < 4 * result.y_error[60]


def scenes(count: int) -> list[np.ndarray]:
    """Unrelated structure (128, 128), 30 units bright."""
    draws = np.random.default_rng(5).standard_normal((count, 128, 128))
    return [np.clip(30 + 10 * gaussian_filter(draw, 2) / 0.14, 1, None) for draw in draws]


def test_a_frame_out_of_focus_is_looked_for_near_its_neighbours(tmp_path):
    own, other = scenes(2)
    random = np.random.default_rng(0)
    movie = random.poisson(np.repeat(own[None], 150, axis=0))
    lookalike = 0.45 * np.roll(own, (9, -11), (0, 1)) + 0.35 * own + 0.2 * other
    movie[70:76] = random.poisson(np.repeat(lookalike[None], 6, axis=0))
    _, result = register(movie.astype(np.int16), tmp_path, max_shift=0.2)
    y, x = result.shift.y, result.shift.x
    assert np.hypot(y - np.median(y), x - np.median(x)).max() < 1


def test_when_the_focus_drifts_each_stretch_has_its_template(tmp_path):
    """Half of the recording shows hardly anything of the other half; displacements are one walk all the same."""
    early, late = scenes(2)
    random = np.random.default_rng(1)
    walk = np.cumsum(random.normal(0, 0.2, (660, 2)), axis=0)
    walk -= walk.mean(axis=0)
    share = np.clip((np.arange(660) - 250) / 160, 0, 0.9)
    frames = [
        random.poisson(np.clip(displaced((1 - s) * early + s * late, *shift), 0, None))
        for s, shift in zip(share, walk, strict=True)
    ]
    movie = np.array(frames).astype(np.int16)
    with ThreadPoolExecutor(1) as pool:
        stretches, _ = find_stretches(movie, 25, pool)
        assert [stretch.part.stop for stretch in stretches] == [330, 660]
        steady = random.poisson(np.repeat(early[None], 660, axis=0)).astype(np.int16)
        assert len(find_stretches(steady, 25, pool)[0]) == 1
    _, result = register(movie, tmp_path, max_shift=0.2, nonrigid=False)
    off = np.stack([result.shift.y, result.shift.x], axis=1) - walk
    assert np.sqrt(((off - np.median(off, axis=0)) ** 2).sum(axis=1).mean()) < 0.25


def test_a_shutter_that_was_closed_while_the_focus_drifted_leaves_no_stretch_dark():
    early, late = scenes(2)
    means = np.repeat(np.stack([early, late]), 450, axis=0)
    movie = np.random.default_rng(2).poisson(means).astype(np.int16)
    movie[:320] = 0
    with ThreadPoolExecutor(1) as pool:
        parts = [stretch.part for stretch in find_stretches(movie, 25, pool)[0]]
        assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
        assert len(parts) == 3
        movie[:894] = 0
        assert len(find_stretches(movie, 25, pool)[0]) == 1


def away(result, y, x) -> np.ndarray:
    """(n_frames, 2) px of the mean displacement from the true one, constant offset removed."""
    off = np.stack([result.shift.y - y, result.shift.x - x], axis=1)
    return off - np.median(off, axis=0)


def test_a_lasting_jump_beyond_the_bound_is_followed(tmp_path):
    """The tissue comes to lie 26 px away, twice as far as frames are looked for."""
    wide, truth = recording(frames=300, height=192, width=192, photons=5)
    movie, jump = wide[:, 32:160, 32:160].copy(), np.zeros((300, 2))
    movie[120:220], jump[120:220] = wide[120:220, 6:134, 26:154], (26, 6)
    _, result = register(movie, tmp_path)
    off = away(result, truth["y"].to_numpy() + jump[:, 0], truth["x"].to_numpy() + jump[:, 1])
    # What the frames show depends on where they were cut, by the nonrigid displacement there.
    assert np.percentile(np.hypot(*off.T), 99) < 1.5
    assert not result.lost.any()


def test_stretches_are_cut_where_the_tissue_jumps_and_is_seen_again():
    """Frames of both sides in one template would show each where it was put: 200 were wrong and unmarked."""
    wide, _ = recording(frames=400, height=176, width=128, photons=5)
    movie = wide[:, 48:144, :96].copy()
    movie[:200] = wide[:200, 12:108, :96]
    reader = Reader(movie, Limits.of(movie, 10), 0.0, 0.0)
    assert at_jumps(movie, [0, 300, 400], 300, reader, 10) == [0, 200, 300, 400]
    movie[:200] = recording(frames=200, height=96, width=96, photons=5, seed=7)[0]
    assert at_jumps(movie, [0, 300, 400], 300, reader, 10) == [0, 300, 400]
    alike = np.random.default_rng(0).normal(0.3, 0.05, (100, 100))
    assert jumps(alike) == []
    alike[:40, 40:] = alike[40:, :40] = 0.03
    assert jumps(alike) == [40]
    # Too few frames, too little light.
    alike[:40, 40:] = alike[40:, :40] = 0.3
    alike[:15, 15:] = alike[15:, :15] = 0.0
    assert jumps(alike) == []
    assert jumps(0.01 * np.eye(100)) == []


def test_other_tissue_is_lost_and_its_error_says_so(tmp_path):
    """The stage moved: of a stretch nothing is on the template, and no frame of it may look found."""
    movie, truth = recording(frames=300, photons=5)
    movie[150:200] = recording(frames=300, photons=5, seed=9)[0][150:200]
    registered, result = register(movie, tmp_path)
    assert result.lost[150:200].all()
    assert not np.delete(result.lost, np.s_[150:200]).any()
    assert result.y_error[150:200].min() >= 13
    shifts, *_ = assess(movie, registered, result, frames_table(300))
    assert set(shifts["reason"][150:200]) == {"lost"}
    off = away(result, truth["y"].to_numpy(), truth["x"].to_numpy())
    assert np.hypot(*off.T)[~result.lost].max() < 1.5


def test_bright_light_that_passes_is_not_followed(tmp_path):
    movie, truth = recording(frames=300, photons=5)
    rows, columns = np.indices(movie.shape[1:])
    for i in range(100, 200):
        spot = np.exp(-((rows - 64 - 30 * np.sin(i / 9)) ** 2 + (columns - 2 * (i - 120)) ** 2) / 128)
        movie[i] = np.clip(movie[i] + 15_000 * spot, 0, 32767)
    _, result = register(movie, tmp_path)
    off = np.hypot(*away(result, truth["y"].to_numpy(), truth["x"].to_numpy()).T)
    assert off.max() < 1.5
    assert np.sqrt((off[100:200] ** 2).mean()) < 0.4


@pytest.mark.parametrize("changes", [{}, {"contrast": 0.01, "background": 0.1, "motion": 0.7}])
def test_background_of_one_photon_movies_is_not_followed(changes, tmp_path):
    movie, shifts = one_photon(400, 128, **changes)
    registered, result = register(movie, tmp_path)
    off = np.hypot(*away(result, *shifts.T).T)
    assert np.sqrt((off[~result.lost] ** 2).mean()) < 0.4
    assert result.lost.mean() < 0.02
    # The background was taken out for the estimate only.
    assert registered.mean() == pytest.approx(movie.mean(), rel=0.01)
    assert result.template.mean() == pytest.approx(movie.mean(), rel=0.01)


@pytest.mark.parametrize("photons", [50.0, 100.0])
def test_bright_tissue_that_moves_is_followed(photons, tmp_path):
    """Before they are aligned, its frames differ by far more than noise, as those of one-photon movies do."""
    movie, truth = recording(frames=200, photons=photons)
    _, result = register(movie, tmp_path)
    off = away(result, truth["y"].to_numpy(), truth["x"].to_numpy())
    assert np.sqrt((off**2).mean()) < 0.06


def test_a_movie_that_shows_nothing_is_left_as_it_was(tmp_path):
    movie = np.random.default_rng(0).poisson(50, (400, 128, 128)).astype(np.int16)
    with noting() as said, pytest.warns(Notice, match="leaves the movie as it was"):
        registered, result = register(movie, tmp_path)
    assert [one.kind for one in said] == ["left_as_recorded"], "it is on the page, and not in the log alone"
    np.testing.assert_array_equal(registered, movie)
    assert not np.stack([result.shift.y, result.shift.x]).any()
    assert (result.y_error >= 13).all()


@pytest.mark.parametrize("shape", [(64, 64), (33, 200), (20, 20), (128, 320)])
def test_small_and_long_fields(shape, tmp_path):
    movie, _ = recording(frames=40, height=shape[0], width=shape[1], motion=1)
    registered, result = register(movie, tmp_path, max_shift=0.2)
    assert np.isfinite(result.shift.block_y).all()
    assert np.isfinite(result.y_error).all()
    assert (registered.std(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize("offset", [1.3, -0.6])
def test_the_offset_of_odd_lines_is_found_and_corrected(offset, tmp_path):
    changes = {"frames": 200, "photons": 4, "bleaching": 0.0}
    movie, truth = recording(scan_offset=offset, **changes)
    registered, result = register(movie, tmp_path)
    assert result.shift.blocks.scan_offset == pytest.approx(offset, abs=0.1)
    y, x = np.meshgrid(np.arange(20, 108, 7.0), np.arange(20, 108, 7.0), indexing="ij")
    found = result.shift.at(y, x)
    residual = found - true_displacement(truth, (128, 128), y + found[0], x + found[1])
    residual -= residual.mean(axis=(1, 2, 3), keepdims=True)
    assert np.sqrt((residual**2).sum(axis=0).mean()) < 0.55
    straight, _ = register(recording(**changes)[0], tmp_path)
    inner = (slice(None), slice(12, -12), slice(12, -12))
    means = [image[inner].mean(axis=0).ravel() for image in (registered, straight)]
    assert np.corrcoef(*means)[0, 1] > 0.98


def test_straight_lines_stay(tmp_path):
    movie, _ = recording(frames=100, photons=2)
    assert register(movie, tmp_path)[1].shift.blocks.scan_offset == 0


def test_rigid_has_no_blocks(tmp_path):
    movie, truth = recording(frames=100, nonrigid=0)
    _, result = register(movie, tmp_path, nonrigid=False)
    assert result.shift.blocks.count == 0
    assert result.shift.block_y.shape == (100, 0)
    off = result.shift.y - truth["y"].to_numpy()
    assert (off - np.median(off)).std() < 0.1


def test_a_closed_shutter_is_an_error(tmp_path):
    with pytest.raises(BackendError, match="shutter"):
        register(np.full((30, 64, 64), 7, np.int16), tmp_path)
