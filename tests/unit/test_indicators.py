"""The table of indicators, and the response that it describes."""

import csv

import numpy as np
import pytest

from groundtrace.errors import InputError
from groundtrace.indicators import (
    _indicator,
    assumption,
    in_species,
    indicators,
    kinetics,
    kinetics_for,
    resource,
    simulated,
    spelled,
)


def test_every_value_has_a_source():
    with resource("indicators.tsv").open() as handle:
        rows = list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))
    for row in rows:
        assert all(len(value) > 20 for name, value in row.items() if name.endswith("_source")), row["indicator"]
        assert None not in row


@pytest.mark.parametrize("name", indicators())
def test_one_spike_peaks_and_decays_as_the_table_says(name):
    indicator = indicators()[name]
    rate = 10_000
    time = np.arange(-rate // 10, 5 * rate) / rate
    response = indicator.saturate(indicator.kernel(time))
    peak = int(response.argmax())
    assert response.max() == pytest.approx(1, abs=1e-4)
    assert time[peak] == pytest.approx(indicator.peak_time, abs=2e-4)
    assert not response[time <= 0].any()
    half = time[peak:][response[peak:] < 0.5][0] - time[peak]
    assert half == pytest.approx(indicator.half_decay, rel=0.02)


@pytest.mark.parametrize("name", indicators())
def test_binding_is_linear_from_rest_and_saturates(name):
    indicator = indicators()[name]
    assert indicator.saturate(np.array([0.0, 1.0])) == pytest.approx([0, 1])
    near = indicator.saturate(np.array([1e-4, 2e-4]))
    assert near[1] / near[0] == pytest.approx(2, rel=2e-3)
    levels = indicator.saturate(np.geomspace(1e-3, 1e6, 200))
    assert np.all(np.diff(levels) > 0)
    assert levels[-1] == pytest.approx(levels[-10], rel=0.01)
    assert indicator.saturate(np.array([-1e-12])) == 0


@pytest.mark.parametrize(
    ("written", "name", "taken"),
    [
        ("gcamp6F", "GCaMP6f", "GCaMP6f"),
        ("GCaMP8m", "jGCaMP8m", "jGCaMP8m"),
        ("jGCaMP6s", "GCaMP6s", "GCaMP6s"),
        ("OGB1", "OGB-1", "OGB-1"),
        ("RCaMP1.07", "R-CaMP1.07", "R-CaMP1.07"),
        ("jGCaMP7s", "jGCaMP7s", "GCaMP6s"),
        ("GCaMP6m", "GCaMP6m", "GCaMP6f"),
        ("ribo-jGCaMP8s", "ribo-jGCaMP8s", "jGCaMP8s"),
        ("soma-GCaMP7f", "soma-GCaMP7f", "jGCaMP7f"),
        ("GCaMP6f-Kv2.1", "GCaMP6f-Kv2.1", "GCaMP6f"),
        ("RCaMP", "RCaMP", "jRCaMP1a"),
    ],
)
def test_variants_take_the_kinetics_of_the_nearest_and_say_so(written, name, taken):
    assert spelled(written) == name
    assert kinetics(name) is indicators()[taken]
    assert assumption(name) == (
        "" if name == taken else f"{name} is not in resources/indicators.tsv: taken with the kinetics of {taken}"
    )


def test_kinetics_are_those_of_the_species_where_they_are_known():
    fish = in_species("GCaMP6f", "Danio rerio")
    assert fish == in_species("GCaMP6f", "zebrafish") == in_species("H2B-GCaMP6f", "Danio rerio")
    assert kinetics(fish).decay_time > 1.5 * kinetics("GCaMP6f").decay_time
    assert spelled(fish) == fish
    assert assumption(fish, "Danio rerio") == ""


@pytest.mark.parametrize("species", [None, "Mus musculus", "mouse", ""])
def test_those_of_mice_are_taken_where_no_species_is_told(species):
    assert in_species("GCaMP6f", species) == "GCaMP6f"
    assert assumption("GCaMP6f", species) == ""


def test_kinetics_unknown_in_a_species_are_those_of_mice_and_it_is_said():
    assert in_species("GCaMP6s", "Danio rerio") == "GCaMP6s"
    assert assumption("GCaMP6s", "Danio rerio") == (
        "kinetics of GCaMP6s in Danio rerio are not known: taken with those of GCaMP6s in mice"
    )


def test_an_unknown_indicator_has_no_kinetics():
    assert spelled("Unknown") == "unknown"
    assert kinetics("unknown") is None
    with pytest.raises(InputError, match="'unknown' tells no kinetics, which Suite2p's bins need"):
        kinetics_for("unknown", "Suite2p's bins need; set bin_duration (s)")


def test_a_wrong_name_is_answered_with_what_to_write():
    with pytest.raises(ValueError, match=r"did you mean 'GCaMP6f' or 'GCaMP6s'\? .*or write unknown"):
        spelled("GCaMP6")


def test_a_sensor_of_no_calcium_has_no_kinetics_and_says_so():
    assert spelled("SF-iGluSnFR") == "SF-iGluSnFR"
    assert kinetics("SF-iGluSnFR") is None
    assert "no spikes are inferred" in assumption("Voltron2")


def test_a_line_of_four_values_is_enough_but_for_the_simulator(monkeypatch):
    line = {
        "indicator": "mine",
        "decay_time": "0.7",
        "rise_time": "0.07",
        "amplitude": "0.6",
        "lag": "0.05",
        "peak": "",
    }
    assert _indicator(line).decay_time == 0.7
    monkeypatch.setitem(indicators(), "mine", _indicator(line))
    with pytest.raises(InputError, match=r"indicators\.tsv: line 'mine': `simulate` needs the columns peak, "):
        simulated("mine")
    with pytest.raises(InputError, match=r"indicators\.tsv: line 'mine': lag: field required; needed are decay"):
        _indicator(line | {"lag": ""})
