"""Traces packed into a page: how exact, how many."""

import numpy as np
import polars as pl

from groundtrace.report.html import envelope
from groundtrace.report.light import light_envelope
from groundtrace.report.sections.session.cells.traces import dff_resolution, full_resolution, overview, pack_light
from tests.unit.report.report_decode import unpack, values
from tests.unit.report.report_example import with_accuracy


def test_full_resolution_is_exact_to_a_fraction_of_the_noise(session):
    found = full_resolution(session.traces, session.spikes, 30.0, 10**7)
    assert len(found) == session.traces.height
    for i, entry in found.items():
        dff = session.traces["dff"][int(i)].to_numpy()
        noise = np.median(np.abs(np.diff(dff))) / 0.954
        assert np.abs(values(entry["dff"]) - dff).max() < 0.06 * noise
        rate = session.spikes["rate"][int(i)].to_numpy()
        assert np.abs(values(entry["rate"]) - rate).max() <= rate.max() / 2000
        assert set(entry) == {"dff", "rate"}


def test_room_goes_to_the_highest_snr(session):
    all_of_them = full_resolution(session.traces, session.spikes, 30.0, 10**7)
    some = full_resolution(session.traces, session.spikes, 30.0, 60_000)
    assert 0 < len(some) < len(all_of_them)
    assert sum(len(entry["dff"]["data"]) + len(entry["rate"]["data"]) for entry in some.values()) < 60_000
    best = session.traces["snr"].arg_sort(descending=True)[: len(some)]
    assert {int(i) for i in some} == set(best)


def test_no_room_no_trace(session):
    assert full_resolution(session.traces, session.spikes, 30.0, -5) == {}


def test_a_roi_without_snr_comes_last(session):
    traces = session.traces.with_columns(snr=pl.when(pl.col("roi") == 3).then(None).otherwise("snr"))
    found = full_resolution(traces, session.spikes, 30.0, 10**7)
    assert list(found)[-1] == "3"


def test_interval_of_the_rate_is_packed_when_there_is_one(session):
    spikes = session.spikes.with_columns(
        rate_low=pl.col("rate").list.eval(pl.element() * 0.5), rate_high=pl.col("rate").list.eval(pl.element() * 2)
    )
    found = full_resolution(session.traces, spikes, 30.0, 10**7)["0"]
    np.testing.assert_allclose(
        values(found["rate_high"]), 2 * session.spikes["rate"][0].to_numpy(), atol=found["rate_high"]["step"]
    )


def test_overview_is_the_envelope_of_each_roi(session):
    found = overview(session.traces, session.spikes, 30.0, 600)
    samples = found["dff"]["samples"]
    assert samples == 600
    assert found["rate"]["samples"] == 300
    rows = unpack(found["dff"]["data"]).reshape(-1, samples)
    for i in (0, 7, 39):
        step = found["dff"]["steps"][i]
        exact = envelope(session.traces["dff"][i].to_numpy(), 300)
        np.testing.assert_allclose(rows[i] * step, exact, atol=0.51 * step)


def test_overview_keeps_the_widest_interval(session):
    spikes = with_accuracy(session).spikes
    found = overview(session.traces, spikes, 30.0, 600)
    for name, extreme in (("rate_low", np.min), ("rate_high", np.max)):
        step = found[name]["steps"][3]
        widest = [extreme(part) for part in np.split(spikes[name][3].to_numpy(), 300)]
        np.testing.assert_allclose(unpack(found[name]["data"]).reshape(-1, 300)[3] * step, widest, atol=0.51 * step)
    assert set(overview(session.traces, session.spikes, 30.0, 600)) == {"dff", "rate"}


def test_overview_of_a_short_recording_is_the_recording(session):
    traces = session.traces.with_columns(dff=pl.col("dff").list.head(101))
    spikes = session.spikes.with_columns(rate=pl.col("rate").list.head(101))
    found = overview(traces, spikes, 30.0, 2000)
    assert found["dff"]["samples"] == 101
    exact = traces["dff"][5].to_numpy()
    step = found["dff"]["steps"][5]
    np.testing.assert_allclose(unpack(found["dff"]["data"]).reshape(40, 101)[5] * step, exact, atol=0.51 * step)


def test_resolution_without_noise_and_without_signal(session):
    traces = session.traces.head(3).with_columns(
        noise_level=pl.Series([None, 0.0, 2.0], dtype=pl.Float32),
        dff=pl.Series([[0.0, 5.0], [float("nan")] * 2, [0.0, 1e6]], dtype=pl.List(pl.Float32)),
    )
    steps = dff_resolution(traces, 30.0)
    assert steps[0] * 2000 == 5
    assert steps[1] > 0
    assert steps[2] * 32_767 > 1e6, "an absurd dF/F must still fit into 16 bit"


def test_light_is_packed_in_steps_of_its_range(session):
    found = pack_light(session.light)
    assert set(found) == {"fluorescence", "neuropil"}
    for name, packed in found.items():
        shown = unpack(packed["data"]).reshape(session.traces.height, packed["samples"])
        for i in (0, 7):
            values = shown[i] * packed["steps"][i] + packed["origins"][i]
            np.testing.assert_allclose(values, session.light[name][i], atol=0.51 * packed["steps"][i])


def test_light_of_many_rois_is_coarser_and_of_none_is_left_out(session):
    trace = session.traces["fluorescence"].head(1)
    many = pl.concat([trace] * 2000)
    found = light_envelope(many)
    assert found.shape == (2000, 200)
    assert found[0].max() == trace[0].max()
    assert pack_light({"fluorescence": light_envelope(trace.head(0))}) == {}
    empty = pl.Series([[], []], dtype=pl.List(pl.Float32))
    assert pack_light({"fluorescence": light_envelope(empty)}) == {}
