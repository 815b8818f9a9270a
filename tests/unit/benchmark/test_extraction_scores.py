"""Scores of extraction: matching against a slow reference, and planted faults that cost exactly what they must."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from groundtrace.benchmark.extraction import (
    detection,
    footprints,
    mask,
    match,
    neighbours_light,
    overlap_matrix,
    partial_correlation,
    placed,
    score_extraction,
    trace_quality,
)
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.tables import list_column
from groundtrace.testing.movies import acquisition
from tests.unit.benchmark.planted import PLACES, RATE, SHAPE, cells, ellipse, perfect, transposed, without

PARAMETERS = RecordingBenchmark()
PLANE = acquisition((400, *SHAPE), frame_rate=RATE, pixel_size=1.0)
N = len(PLACES)


def score(truth, found, offset=(0.0, 0.0)):
    seen = [placed(footprint, offset, SHAPE) for footprint in footprints(truth)]
    overlap = overlap_matrix(seen, footprints(found.rois), SHAPE)
    quality = trace_quality(match(overlap, 0.3), truth, found.traces, PLANE)
    return score_extraction(truth, overlap, quality, PARAMETERS)


def detected(row):
    return {name: row[name] for name in row if name.startswith(("precision", "recall", "f1"))}


def all_at(precision, recall):
    f1 = 2 * precision * recall / (precision + recall)
    values = {"precision": precision, "recall": recall, "f1": f1}
    return pytest.approx({f"{name}_{percent}": value for name, value in values.items() for percent in (30, 50)})


def test_a_perfect_extraction_scores_one():
    row = score(cells(), perfect(cells()))
    assert (row["cells"], row["rois"], row["overlap"], row["noise_level"]) == (N, N, 1, 2)
    assert detected(row) == all_at(1, 1)
    assert row["trace_correlation"] == pytest.approx(1)


def test_a_dropped_cell_costs_its_recall_alone():
    assert detected(score(cells(), without(perfect(cells()), 3))) == all_at(1, (N - 1) / N)


def test_a_cell_that_is_not_there_costs_precision_alone():
    truth = cells()
    assert detected(score(truth.filter(pl.col("roi") != 3), perfect(truth))) == all_at((N - 1) / N, 1)


def test_a_transposed_footprint_is_a_miss_and_a_false_one():
    row = score(transposed(cells(), 5), perfect(cells()))
    assert detected(row) == all_at((N - 1) / N, (N - 1) / N)
    assert row["overlap"] == 1


@pytest.mark.parametrize("offset", [(2, 0), (0, -4), (-2, 3)])
def test_a_template_elsewhere_costs_nothing_when_its_offset_is_known_with_the_right_sign(offset):
    """registered[p] = tissue[p + offset]: a cell at s is found at s - offset."""
    truth, found = cells(), perfect(cells())
    moved = found.rois.with_columns(
        pl.col("pixel_y").list.eval(pl.element() - offset[0]), pl.col("pixel_x").list.eval(pl.element() - offset[1])
    )
    found = type(found)(moved, found.traces, found.spikes)
    assert detected(score(truth, found, offset)) == all_at(1, 1)
    assert score(truth, found, offset)["overlap"] == 1
    assert (score(truth, found)["overlap"] or 0) < 1
    assert score(truth, found, (-offset[0], -offset[1]))["f1_30"] == 0


def test_a_shifted_truth_loses_the_overlap_that_it_must():
    """Masks moved by one row share all but the pixels at their ends."""
    truth, found = cells(), perfect(cells())
    y, x, _ = mask(footprints(truth)[0])
    image = np.zeros(SHAPE, bool)
    image[y, x] = True
    moved = np.roll(image, -1, 0)
    expected = (image & moved).sum() / (image | moved).sum()
    assert score(truth, found, (1, 0))["overlap"] == pytest.approx(expected)


def test_undetectable_cells_and_dendrites_are_neither_hits_nor_false():
    n = np.arange(N)
    truth = cells(
        detectability=pl.Series(np.where(n == 1, 4.9, 20), dtype=pl.Float32),
        kind=pl.Series(["dendrite" if i == 2 else "soma" for i in n]),
    )
    row = score(truth, perfect(truth))
    assert (row["cells"], row["rois"]) == (N - 2, N)
    assert detected(row) == all_at(1, 1)
    for roi in (1, 2):
        assert detected(score(truth, without(perfect(truth), roi))) == all_at(1, 1)
    assert detected(score(truth, without(perfect(truth), 3))) == all_at(1, (N - 3) / (N - 2))


def test_a_cell_cut_in_two_is_one_hit_at_most():
    truth, found = cells(), perfect(cells())
    y, x = (found.rois[name][0].to_numpy() for name in ("pixel_y", "pixel_x"))
    left = x < PLACES[0][1]
    halves = [found.rois[:1].with_columns(_pixels(y[part], x[part])) for part in (left, ~left)]
    rois, traces = pl.concat([halves[0], found.rois[1:], halves[1]]), pl.concat([found.traces, found.traces[:1]])
    row = score(truth, type(found)(rois, traces, found.spikes))
    assert row["rois"] == N + 1
    assert (row["precision_30"], row["recall_30"]) == (pytest.approx(N / (N + 1)), 1)


def _pixels(y, x):
    return (
        pl.Series("pixel_y", [y.tolist()], dtype=pl.List(pl.Int32)),
        pl.Series("pixel_x", [x.tolist()], dtype=pl.List(pl.Int32)),
        pl.Series("weight", [np.ones(len(y)).tolist()], dtype=pl.List(pl.Float32)),
    )


def test_nothing_found_and_nothing_to_find():
    truth, found = cells(), perfect(cells())
    none = type(found)(*(table.clear() for table in (found.rois, found.traces, found.spikes)))
    row = score(truth, none)
    assert (row["precision_30"], row["recall_30"], row["f1_30"], row["overlap"]) == (None, 0, 0, None)
    assert (row["trace_correlation"], row["noise_level"]) == (None, None)
    row = score(truth.clear(), none)
    assert (row["cells"], row["recall_30"], row["f1_30"]) == (0, None, None)
    row = score(truth.clear(), found)
    assert (row["precision_30"], row["f1_30"]) == (0, 0)


def best_sum(overlap, threshold):
    """Every one-to-one assignment tried."""
    score = np.where(overlap >= threshold, overlap, 0)
    if score.shape[0] > score.shape[1]:
        score = score.T
    rows = np.arange(len(score))
    return max(score[rows, list(columns)].sum() for columns in permutations(range(score.shape[1]), len(rows)))


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
        lambda shape: arrays.arrays(float, shape, elements=st.floats(0, 1, width=16))
    ),
    st.sampled_from([0.3, 0.5]),
)
@settings(max_examples=60, deadline=None)
def test_matching_is_the_best_of_all_assignments(overlap, threshold):
    pairs = match(overlap, threshold)
    assert pairs.iou.sum() == pytest.approx(best_sum(overlap, threshold))
    found = pairs.roi[pairs.roi >= 0]
    assert len(set(found)) == len(found)
    assert (pairs.iou[pairs.roi >= 0] >= threshold).all()
    assert (pairs.iou[pairs.roi < 0] == 0).all()
    turned = match(overlap.T, threshold)
    assert turned.iou.sum() == pytest.approx(pairs.iou.sum())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_overlaps_are_those_of_images(seed):
    generator = np.random.default_rng(seed)
    some = [ellipse(*generator.uniform(15, 60, 2), *generator.uniform(2, 14, 2)) for _ in range(7)]
    cells, rois = some[:4], some[3:]
    found = overlap_matrix(cells, rois, SHAPE)

    def image(footprint):
        drawn = np.zeros(SHAPE)
        drawn[footprint[0], footprint[1]] = footprint[2]
        return drawn > 0.2 * drawn.max()

    for i, a in enumerate(map(image, cells)):
        for j, b in enumerate(map(image, rois)):
            assert found[i, j] == pytest.approx((a & b).sum() / (a | b).sum())
    assert found[3, 0] == 1


@given(st.floats(-6, 6), st.floats(-6, 6))
@settings(max_examples=30, deadline=None)
def test_a_placed_footprint_keeps_its_light_and_moves_its_centre(dy, dx):
    y, x, weight = placed(ellipse(40, 48, 5, 7), (dy, dx), SHAPE)
    assert weight.sum() == pytest.approx(1, abs=1e-5)
    assert (np.average(y, weights=weight), np.average(x, weights=weight)) == pytest.approx((40 - dy, 48 - dx), abs=1e-3)


def test_what_leaves_the_field_is_lost():
    y, _, weight = placed(ellipse(15, 15, 5, 5), (15, 0), SHAPE)
    assert 0.3 < weight.sum() < 0.7
    assert y.min() == 0
    assert len(placed(ellipse(15, 15, 5, 5), (40, 0), SHAPE)[0]) == 0
    assert len(mask(placed(ellipse(15, 15, 5, 5), (40, 0), SHAPE))[0]) == 0


def test_counts_by_hand():
    pairs = match(np.array([[0.9, 0, 0], [0, 0.4, 0], [0, 0, 0.6], [0, 0, 0]]), 0.3)
    scores = detection(pairs, np.array([True, True, False, True]), rois=3)
    assert scores == {"precision": 1, "recall": pytest.approx(2 / 3), "f1": pytest.approx(4 / 5)}


def mixed(amount, seed=0):
    generator = np.random.default_rng(seed)
    own, other, noise = generator.normal(size=(3, 20_000))
    return own + amount * other + 0.5 * noise, other + 0.7 * own, own


@pytest.mark.parametrize("amount", [-0.3, 0.0, 0.2, 1.0])
def test_crosstalk_is_what_was_mixed_in(amount):
    """The other signal is correlated with the cell's own; only what is beyond it counts, with its sign."""
    trace, other, own = mixed(amount)
    assert partial_correlation(trace, other, own) == pytest.approx(amount / np.hypot(amount, 0.5), abs=0.02)


def test_crosstalk_without_anything_to_compare():
    trace, other, own = mixed(0.2)
    assert partial_correlation(trace, np.ones_like(other), own) is None
    assert partial_correlation(own, other, own) is None
    assert partial_correlation(np.full_like(trace, np.nan), other, own) is None
    assert partial_correlation(trace, other, np.zeros_like(own)) == pytest.approx(np.corrcoef(trace, other)[0, 1])


def test_crosstalk_of_a_neighbour_and_of_neuropil_show_in_their_own_columns():
    truth = cells()
    y, x, weight = ellipse(15, 31, 3, 8)
    columns = {"pixel_y": y, "pixel_x": x, "weight": weight}
    near = truth.with_columns(
        pl.Series(name, [v.tolist() if i == 1 else truth[name][i].to_list() for i in range(N)], dtype=truth[name].dtype)
        for name, v in columns.items()
    )
    found = perfect(near)
    generator = np.random.default_rng(1)
    dff = np.array(found.traces["dff"].to_list()) + generator.normal(0, 0.3, (N, 400))
    pairs = match(overlap_matrix(footprints(near), footprints(found.rois), SHAPE), 0.3)

    def quality(traces):
        return trace_quality(pairs, near, found.traces.with_columns(dff=list_column(traces.astype(np.float32))), PLANE)

    clean = quality(dff)
    assert abs(clean["crosstalk_neighbours"][0]) < 0.15
    assert abs(clean["crosstalk_neuropil"][0]) < 0.15
    assert clean["crosstalk_neighbours"][7] is None
    leaky = dff.copy()
    leaky[0] += 0.5 * np.array(near["calcium"][1].to_list())
    assert quality(leaky)["crosstalk_neighbours"][0] > 0.5
    assert quality(leaky)["crosstalk_neuropil"] == pytest.approx(clean["crosstalk_neuropil"], abs=0.15)
    neuropil = np.array(found.traces["neuropil"].to_list())
    muddy = dff + 10 * (neuropil / 100 - 1)
    assert min(quality(muddy)["crosstalk_neuropil"]) > 0.4
    assert abs(quality(muddy)["crosstalk_neighbours"][0]) < 0.2


def test_neighbours_are_the_cells_within_reach():
    truth = cells(brightness=pl.Series(np.arange(1, N + 1), dtype=pl.Float32))
    light = neighbours_light(truth, 0.5)
    calcium, scale = np.array(truth["calcium"].to_list()), np.arange(1, N + 1)
    distance = np.linalg.norm(np.subtract.outer(np.array(PLACES), np.array(PLACES))[:, [0, 1], :, [0, 1]], axis=0)
    expected = ((distance * 0.5 < 20) & (distance > 0)) @ (scale[:, None] * calcium)
    assert np.allclose(light, expected, rtol=1e-5)
    assert light.any()


def test_a_trace_that_is_unusable_says_nothing():
    found = perfect(cells())
    broken = found.traces.with_columns(
        dff=list_column(np.where(np.arange(N)[:, None] == 0, np.nan, found.traces["dff"].to_list()).astype(np.float32))
    )
    pairs = match(np.eye(N), 0.3)
    quality = trace_quality(pairs, cells(), broken, PLANE)
    assert quality["trace_correlation"] == pytest.approx([0] + [1] * (N - 1))
    assert quality["crosstalk_neuropil"][0] is None
