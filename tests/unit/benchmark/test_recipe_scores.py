"""Scores of whole recipes: a missed cell is zero, and every fault costs exactly what it must."""

import numpy as np
import polars as pl
import pytest

from groundtrace.benchmark.motion import score_motion
from groundtrace.benchmark.oracle import measure_truth
from groundtrace.benchmark.parameters import RecordingBenchmark
from groundtrace.benchmark.recipes import Found, score_recipe
from groundtrace.benchmark.recordings import join, join_recording_timing, measured
from groundtrace.benchmark.tables import CellBenchmark, ExtractionBenchmark, RecipeBenchmark
from groundtrace.extraction.footprints import describe
from groundtrace.groundtruth.resampling import spike_counts
from groundtrace.io import write_table
from groundtrace.motion.moving import RIGID
from groundtrace.spikes.comparing import correlation, smooth
from groundtrace.tables import list_column, validate
from groundtrace.testing.movies import acquisition
from tests.unit.benchmark.planted import (
    PLACES,
    RATE,
    SHAPE,
    cells,
    found_shifts,
    perfect,
    transposed,
    true_shifts,
    without,
)

PARAMETERS = RecordingBenchmark()
PLANE = acquisition((400, *SHAPE), frame_rate=RATE, pixel_size=1.0)
NAMES = {"recipe": "mine", "motion_method": "rigid", "denoise": "none", "extract": "suite2p", "spikes": "oasis"}
CONDITIONS = {
    "session": "sub-M01/ses-001",
    "plane": 0,
    "indicator": "GCaMP6f",
    "frame_rate": RATE,
    "pixel_size": 1.0,
    "photons": 10.0,
    "density": 1e5,
    "motion": 1.0,
    "nonrigid": 0.0,
    "axial": 0.0,
}
N = len(PLACES)


def score(truth, found, offset=(0.0, 0.0)):
    still = np.zeros(400)
    motion = score_motion(
        found_shifts(still + offset[0], still + offset[1]), RIGID, true_shifts(still, still), SHAPE, PARAMETERS
    )
    result = score_recipe(NAMES, CONDITIONS, truth, found, motion, PLANE, PARAMETERS)
    validate(CellBenchmark, result.cells)
    validate(ExtractionBenchmark, result.extraction)
    validate(RecipeBenchmark, result.recipe)
    return result


def test_a_perfect_recipe_scores_one():
    result = score(cells(), perfect(cells()))
    row = result.recipe.row(0, named=True)
    assert (row["cells"], row["found"], row["noise_level"]) == (N, 1, 2)
    assert row["score"] == row["found_correlation"] == pytest.approx(1)
    assert result.cells["roi"].to_list() == list(range(N))
    assert result.cells["spike_correlation"].to_list() == pytest.approx([1] * N)
    assert result.cells["trace_correlation"].to_list() == pytest.approx([1] * N)
    assert result.extraction["selection"].to_list() == ["accepted", "all"]
    assert result.extraction["f1_50"].to_list() == [1, 1]
    assert {name: row[name] for name in NAMES} == NAMES


def test_a_dropped_cell_is_a_zero_among_the_others():
    result = score(cells(), without(perfect(cells()), 3))
    row = result.recipe.row(0, named=True)
    assert row["score"] == pytest.approx((N - 1) / N)
    assert row["found"] == pytest.approx((N - 1) / N)
    assert row["found_correlation"] == pytest.approx(1)
    missed = result.cells.row(3, named=True)
    assert (missed["roi"], missed["iou"], missed["trace_correlation"], missed["spike_correlation"]) == (
        None,
        None,
        None,
        0,
    )


def test_a_transposed_footprint_is_a_missed_cell():
    result = score(transposed(cells(), 5), perfect(cells()))
    assert result.recipe["score"].item() == pytest.approx((N - 1) / N)
    assert result.cells.filter(pl.col("roi").is_null())["cell"].to_list() == [5]


@pytest.mark.parametrize("offset", [(3, 0), (0, -5)])
def test_a_shifted_template_is_followed_and_a_shifted_truth_is_not(offset):
    """Where a registration puts its template costs nothing; tissue that is elsewhere loses its cells."""
    truth, found = cells(), perfect(cells())
    moved = found.rois.with_columns(
        pl.col("pixel_y").list.eval(pl.element() - offset[0]), pl.col("pixel_x").list.eval(pl.element() - offset[1])
    )
    found = Found(moved, found.traces, found.spikes)
    assert score(truth, found, offset).recipe["score"].item() == pytest.approx(1)
    lost = score(truth, found, (-offset[0], -offset[1]))
    assert lost.recipe["score"].item() == 0
    assert lost.recipe["found_correlation"].item() is None


def test_a_rejected_roi_is_missed_though_extraction_found_it():
    found = perfect(cells())
    rejected = Found(found.rois.with_columns(accepted=pl.col("roi") != 2), found.traces, found.spikes)
    result = score(cells(), rejected)
    assert result.recipe["found"].item() == pytest.approx((N - 1) / N)
    assert dict(result.extraction.select("selection", "recall_50").rows()) == pytest.approx(
        {"accepted": (N - 1) / N, "all": 1}
    )
    assert result.cells["roi"].to_list() == [0, 1, None, *range(3, N)]


def test_swapped_spikes_are_those_of_another_cell():
    truth, found = cells(), perfect(cells())
    order = [1, 0, *range(2, N)]
    swapped = found.spikes.with_columns(rate=found.spikes["rate"].gather(order))
    result = score(truth, Found(found.rois, found.traces, swapped))
    true = [smooth(np.asarray(rate), RATE) for rate in found.spikes["rate"]]
    between = correlation(true[0], true[1])
    assert result.cells["spike_correlation"].to_list() == pytest.approx([between, between, *[1] * (N - 2)], abs=1e-6)


def test_the_correlation_is_that_of_smoothed_rates():
    truth, found = cells(), perfect(cells())
    noisy = np.array(found.spikes["rate"].to_list()) + np.random.default_rng(3).normal(0, 3, (N, 400))
    result = score(truth, Found(found.rois, found.traces, found.spikes.with_columns(rate=list_column(noisy))))
    grid = np.arange(400) / RATE
    expected = [
        correlation(smooth(rate, RATE), smooth(spike_counts(np.asarray(times), grid, RATE), RATE))
        for rate, times in zip(noisy, truth["spike_times"], strict=True)
    ]
    assert result.cells["spike_correlation"].to_list() == pytest.approx(expected, abs=1e-6)
    assert result.recipe["score"].item() == pytest.approx(np.mean(expected), abs=1e-6)


def test_who_counts():
    """Cells without spikes, undetectable cells and dendrites are in the table of cells, not in the score."""
    n = np.arange(N)
    truth = cells(
        spikes=pl.Series(np.where(n == 0, 0, 30), dtype=pl.Int32),
        detectability=pl.Series(np.where(n == 1, 4.9, 20), dtype=pl.Float32),
        kind=pl.Series(["dendrite" if i == 2 else "soma" for i in n]),
    )
    found = without(perfect(truth), 1)
    result = score(truth, found)
    assert result.recipe["cells"].item() == N - 3
    assert result.recipe["score"].item() == pytest.approx(1)
    assert result.cells["spike_correlation"].to_list() == pytest.approx([None, 0, *[1] * (N - 2)])
    assert len(result.cells) == N


def test_rates_that_are_unknown_say_nothing():
    found = perfect(cells())
    rates = np.array(found.spikes["rate"].to_list(), np.float32)
    rates[0], rates[1, :50] = np.nan, np.nan
    result = score(cells(), Found(found.rois, found.traces, found.spikes.with_columns(rate=list_column(rates))))
    first, second, third = result.cells["spike_correlation"][:3]
    assert (first, second, third) == (0, pytest.approx(1), pytest.approx(1))


def test_an_empty_plane_and_an_empty_extraction():
    truth, found = cells(), perfect(cells())
    none = Found(*(table.clear() for table in (found.rois, found.traces, found.spikes)))
    row = score(truth, none).recipe.row(0, named=True)
    assert (row["score"], row["found"], row["found_correlation"]) == (0, 0, None)
    row = score(truth.clear(), none).recipe.row(0, named=True)
    assert (row["cells"], row["score"], row["found"]) == (0, None, None)


def test_the_oracle_measures_true_footprints_where_the_template_shows_them(tmp_path):
    """A movie whose cells flash one by one, its tissue at an offset: each trace follows its own cell."""
    truth, offset = cells(frames=64), (2.0, -3.0)
    weights = np.zeros((N, *SHAPE))
    for i, (y, x, weight) in enumerate(truth.select("pixel_y", "pixel_x", "weight").rows()):
        weights[i, np.array(y) - 2, np.array(x) + 3] = weight
    flashes = np.zeros((64, N))
    flashes[np.arange(64), np.arange(64) % N] = 1
    movie = (100 + 2000 * np.einsum("tn,nyx->tyx", flashes, weights)).astype(np.int16)
    faint = truth.with_columns(detectability=pl.Series([1.0, *[20.0] * (N - 1)], dtype=pl.Float32))
    plane, good = acquisition((64, *SHAPE), frame_rate=RATE, pixel_size=1.0), np.zeros(64, bool)
    for table, first in ((truth, 0), (faint, 1)):
        found = measure_truth(movie, good, table, offset, 5.0, plane, tmp_path, 1)
        expected = (np.arange(64)[None] % N) == np.arange(first, N)[:, None]
        assert np.array_equal(found.fluorescence > 100.5, expected)
        assert found.neuropil == pytest.approx(100, abs=0.01)
        assert found.accepted.all()
    rois = describe(measure_truth(movie, good, truth, offset, 5.0, plane, tmp_path, 1), SHAPE)
    whole = Found(rois, perfect(truth).traces, perfect(truth).spikes)
    still = np.zeros(64)
    motion = score_motion(found_shifts(still + 2, still - 3), RIGID, true_shifts(still, still), SHAPE, PARAMETERS)
    result = score_recipe(NAMES, CONDITIONS, truth, whole, motion, plane, PARAMETERS)
    assert result.extraction.row(0, named=True)["overlap"] == 1
    assert result.cells["roi"].to_list() == list(range(N))


def test_the_oracle_of_a_plane_without_cells_is_empty(tmp_path):
    movie, plane = np.zeros((20, *SHAPE), np.int16), acquisition((20, *SHAPE), frame_rate=RATE, pixel_size=1.0)
    found = measure_truth(movie, np.zeros(20, bool), cells().clear(), (0.0, 0.0), 5.0, plane, tmp_path, 1)
    assert found.fluorescence.shape == (0, 20)
    assert describe(found, SHAPE).height == 0


def test_tables_of_jobs_become_one_in_any_order(tmp_path):
    """Recipes that differ in their spikes alone share one row of extraction."""
    made_by = {"history": [], "sources": []}
    row = score(cells(), perfect(cells())).extraction
    parts = [row, row, row.with_columns(session=pl.lit("sub-M00/ses-001"))]
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    for path, part in zip(paths, parts, strict=True):
        write_table(path, ExtractionBenchmark, part, made_by)
    joined = join(ExtractionBenchmark, paths)
    assert joined.select("session", "selection").rows() == [
        (f"sub-M0{mouse}/ses-001", selection) for mouse in (0, 1) for selection in ("accepted", "all")
    ]
    assert joined.equals(join(ExtractionBenchmark, paths[::-1]))


HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.mark.parametrize(
    ("wall", "cpu", "expected"),
    [("8.0", "6.00", 6.0), ("15.0", "31", 31.0), ("30.0", "15.00", 30.0), ("60.0", "90.0", 120.0), ("0.2", "NA", None)],
)
def test_costs_are_read_from_timings_and_unmeasured_time_goes_on(tmp_path, wall, cpu, expected):
    path = tmp_path / "job.tsv"
    path.write_text(f"{HEADER}{wall}\t0:00:08\t{'NA' if cpu == 'NA' else '512.5'}\t1\t1\t1\t-\t-\t75\t{cpu}\n")
    found = measured(path)
    assert found["cpu_seconds"] == (expected and pytest.approx(expected))
    assert found["peak_mb"] == (expected and 512.5)
    job = {"stage": "motion", "name": "rigid", "session": "sub-a/ses-1", "plane": 0, "frames": 300, "pixels": 4096}
    table = join_recording_timing([{**job, "file": str(path)}])
    assert table.row(0, named=True) == {**job, **found}
