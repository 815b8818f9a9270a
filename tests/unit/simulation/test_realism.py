"""Each statistic of the realism report on data whose answer is known, and the comparison of simulated with real."""

import numpy as np
import polars as pl
import pytest

from groundtrace.errors import InputError
from groundtrace.simulation.realism import (
    PUBLISHED_SKEW,
    STATISTICS,
    Realism,
    band_shares,
    calm_pairs,
    image_contrast,
    judge,
    measure,
    noise_moments,
    over_rois,
    patch_correlation,
    row_correlation,
    variance_line,
    verdicts,
)
from groundtrace.tables import list_column, validate

ALL = np.arange(199)


def test_noise_correlation_is_that_of_the_filter_along_its_axis():
    white = np.random.default_rng(0).standard_normal((200, 48, 65)).astype(np.float32)
    movie = 100 + white[:, :, 1:] + 0.5 * white[:, :, :-1]
    _, variance, correlation = noise_moments(movie, ALL)
    assert np.median(variance) == pytest.approx(1.25, rel=0.05)
    assert correlation == pytest.approx([0, 0, 0, 0.4, 0, 0], abs=0.01)


def test_slow_signals_are_no_noise():
    random = np.random.default_rng(0)
    slow = 50 * np.sin(np.arange(200) / 100)[:, None, None] * np.ones((48, 64))
    _, variance, correlation = noise_moments(100 + slow + random.standard_normal((200, 48, 64)), ALL)
    assert np.median(variance) == pytest.approx(1, rel=0.05)
    assert np.abs(correlation).max() < 0.02


def test_the_line_has_the_gain_as_slope_and_a_bend_shows():
    random = np.random.default_rng(0)
    photons = np.broadcast_to(np.linspace(2, 20, 64), (200, 64, 64))
    poisson = 7.0 * random.poisson(photons) + 30
    residual, slope = variance_line(*noise_moments(poisson, ALL)[:2])
    assert slope == pytest.approx(7, rel=0.03)
    assert residual < 0.02
    bent = photons + photons**2 / 5 * random.standard_normal(photons.shape)
    assert variance_line(*noise_moments(bent, ALL)[:2])[0] > 0.1


def test_calm_pairs_leave_out_motion_and_bad_frames():
    shifts = np.zeros((100, 2))
    shifts[60:, 1] = 3 * np.arange(40)
    good = np.ones(100, bool)
    good[10] = False
    pairs = calm_pairs(shifts, good)
    assert pairs.max() < 60
    assert not {9, 10} & set(pairs.tolist())
    assert len(pairs) >= 40


def test_patches_correlate_as_much_as_they_share():
    random = np.random.default_rng(0)
    shared = random.standard_normal(3000)[:, None, None]
    own = np.kron(random.standard_normal((3000, 12, 12)), np.ones((1, 4, 4)))
    everywhere = patch_correlation(np.sqrt(0.3) * shared + np.sqrt(0.7) * own, np.arange(3000), 5.0)
    assert everywhere == pytest.approx([0.3] * 5, abs=0.03)
    halves = np.concatenate([np.repeat(shared, 24, axis=2), np.zeros((3000, 1, 24))], axis=2)
    near, *_, far = patch_correlation(halves + own, np.arange(3000), 5.0)
    assert near > far + 0.1


def test_contrast_is_found_at_its_scale_and_grows_with_it():
    x = np.arange(128)
    fine, coarse = (10 + np.tile(np.sin(2 * np.pi * x / period), (128, 1)) for period in (8, 48))
    assert image_contrast(fine).argmax() == 0
    assert image_contrast(coarse).argmax() == 3
    doubled = image_contrast(2 * fine - 10)
    assert doubled == pytest.approx(2 * image_contrast(fine))
    assert image_contrast(np.full((64, 64), 5.0)) == pytest.approx([0] * 4, abs=1e-9)


def test_power_is_in_the_band_of_the_oscillation():
    time = np.arange(3000) / 30
    dff = np.stack([np.sin(2 * np.pi * 2 * time), np.sin(2 * np.pi * 0.5 * time)])
    shares = band_shares(dff, 30.0)
    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert shares[0, 2] > 0.99
    assert shares[1, 1] > 0.99
    assert band_shares(dff, 10.0).shape == (0, 4)


def test_rows_correlate_as_numpy_says():
    random = np.random.default_rng(0)
    first, second = random.standard_normal((2, 5, 300)).astype(np.float32)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(first, second, strict=True)]
    assert row_correlation(first, second) == pytest.approx(expected, abs=1e-6)


def test_quartiles_over_rois_ignore_missing_values():
    rows = list(over_rois("noise_level", np.array([1, 2, 3, 4, 5, np.nan])))
    assert rows[0] == ("noise_level", "median", 3, 2, 4)
    assert np.isnan(next(over_rois("noise_level", np.array([np.nan])))[2])


def recording(frames: int = 240) -> dict:
    """A movie of 40 x 40 px with three cells, its tables; the inputs of `measure`."""
    random = np.random.default_rng(1)
    light = 5 + 3 * random.random((40, 40))
    raw = random.poisson(light, (frames, 40, 40)).astype(np.uint16) * 10
    traces = 100 + random.standard_normal((3, frames)).astype(np.float32)
    shifts = {"y": np.zeros(frames), "x": np.zeros(frames), "bad": np.zeros(frames, bool)}
    accepted = [True, True, False]
    table = {"accepted": accepted, "noise_level": [3.0, 5.0, 100.0], "dff": list_column(traces / 100 - 1)}
    table |= {"fluorescence": list_column(traces), "neuropil": list_column(traces[::-1])}
    return {
        "raw": raw,
        "registered": raw,
        "shifts": pl.DataFrame(shifts),
        "rois": pl.DataFrame({"accepted": accepted, "skew": [1.0, 2.0, 50.0]}),
        "traces": pl.DataFrame(table),
        "frame_rate": 30.0,
        "offset": 0.0,
    }


def test_a_plane_gets_all_statistics_from_its_accepted_cells():
    found = measure(**recording())
    assert set(found["statistic"]) == {statistic.name for statistic in STATISTICS}
    names = {"session": "sub-a/ses-1", "simulated": False}
    table = found.select(
        *(pl.lit(value).alias(key) for key, value in names.items()), pl.lit(0, pl.Int32).alias("plane"), pl.all()
    )
    validate(Realism, table.select("session", "plane", "simulated", *found.columns))
    value = {(row["statistic"], row["point"]): row["value"] for row in found.iter_rows(named=True)}
    assert value["noise_level", "median"] == 4
    assert value["roi_skew", "median"] == 1.5
    assert value["variance_mean", "slope"] == pytest.approx(10, rel=0.2)


def test_a_plane_without_cells_has_no_value_for_them():
    given = recording()
    given["rois"], given["traces"] = (given[key].with_columns(accepted=pl.lit(False)) for key in ("rois", "traces"))
    empty = measure(**given).filter(pl.col("statistic").is_in(["noise_level", "roi_skew", "spectrum"]))
    assert empty["value"].null_count() == empty.height


def row(session: str, simulated: bool, statistic: str, point: str, *values: float | None, judged: bool = True) -> dict:
    names = ("session", "plane", "simulated", "statistic", "point", "value", "low", "high", "judged")
    return dict(zip(names, (session, 0, simulated, statistic, point, *values, judged), strict=True))


def test_simulated_points_are_judged_by_the_range_of_all_real_planes():
    table = pl.DataFrame(
        [
            row("a", False, "contrast", "1 px", 0.3, 0.2, 0.35),
            row("b", False, "contrast", "1 px", 0.5, 0.45, 0.6),
            row("a", False, "contrast", "2 px", 0.3, 0.2, 0.4),
            row("s", True, "contrast", "1 px", 0.4, None, None),
            row("s", True, "contrast", "2 px", 0.5, None, None),
            row("t", True, "contrast", "1 px", 0.2, None, None),
            row("t", True, "contrast", "2 px", 0.4, None, None),
        ]
    )
    judged = judge(table)
    misfit = {(r["session"], r["point"]): r["misfit"] for r in judged.iter_rows(named=True)}
    assert misfit == pytest.approx({("s", "1 px"): 0, ("s", "2 px"): 0.5, ("t", "1 px"): 0, ("t", "2 px"): 0})
    assert dict(verdicts(judged).select("session", "inside").iter_rows()) == {"s": False, "t": True}


def test_what_is_not_judged_or_not_measured_decides_nothing():
    table = pl.DataFrame(
        [
            row("a", False, "roi_skew", "median", 3.0, 2.5, 3.5),
            row("a", False, "roi_skew", "95 %", 4.0, None, None, judged=False),
            row("a", False, "spectrum", "1 to 3 Hz", 0.2, 0.1, 0.3),
            row("s", True, "roi_skew", "median", PUBLISHED_SKEW[1] - 0.1, None, None),
            row("s", True, "roi_skew", "95 %", 40.0, None, None, judged=False),
            row("s", True, "spectrum", "1 to 3 Hz", None, None, None),
        ],
        schema_overrides={"value": pl.Float32, "low": pl.Float32, "high": pl.Float32},
    )
    found = verdicts(judge(table))
    assert dict(found.select("statistic", "inside").iter_rows()) == {"roi_skew": True, "spectrum": None}


def test_without_a_real_recording_there_is_nothing_to_compare_with():
    table = pl.DataFrame([row("s", True, "contrast", "1 px", 0.4, 0.3, 0.5)])
    with pytest.raises(InputError, match="no real recording in the sample sheet"):
        judge(table)
