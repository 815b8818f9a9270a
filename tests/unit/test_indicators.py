"""The table of indicators, and the response that it describes."""

import csv

import numpy as np
import pytest

from groundtrace.indicators import indicators, resource


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
