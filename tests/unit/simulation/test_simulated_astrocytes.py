import numpy as np
import pytest
from pydantic import ValidationError

from groundtrace.io import read_table, write_table
from groundtrace.random import stream
from groundtrace.sessions import Session
from groundtrace.simulation.astrocytes import draw_events
from groundtrace.simulation.parameters import AstrocyteParameters, Simulation
from groundtrace.simulation.simulate import prepare
from groundtrace.simulation.tables import TruthEvents


@pytest.fixture(scope="module")
def events():
    return draw_events(stream(3, "events"), (120, 120), 1.0, 60.0, AstrocyteParameters(rate=400))


def test_truth_is_that_of_the_light(events, tmp_path):
    """Onset, peak and area of each event, measured on its light alone."""
    truth = events.truth(0, (120, 120))
    assert truth.height > 3

    def middle_of(event) -> np.ndarray:
        return np.argwhere(event.share > 0.5).mean(axis=0) + np.array([event.rows.start, event.columns.start])

    whole = [event for event in events.events if (event.share > 0.5).any()]
    for row in truth.filter(~truth["cut"]).iter_rows(named=True):
        event = min(whole, key=lambda one: np.hypot(*(middle_of(one) - (row["y"], row["x"]))))
        y, x = np.array(row["pixel_y"]), np.array(row["pixel_x"])
        time = np.arange(event.start, event.stop, 0.05)
        light = np.stack([event.light(t)[y - event.rows.start, x - event.columns.start] for t in time])
        mean = light.mean(axis=1)
        assert mean.max() == pytest.approx(row["peak"], rel=0.05)
        high = time[mean > mean.max() / 2]
        assert high[0] == pytest.approx(row["start_time"], abs=0.1)
        assert np.ptp(high) == pytest.approx(row["duration"], abs=0.15)
        assert row["area"] == len(y)
        middle = len(y) // 2
        own = light[:, middle]
        assert time[own > own.max() / 2][0] == pytest.approx(row["onset"][middle], abs=0.1)
    write_table(tmp_path / "events.parquet", TruthEvents, truth, {})
    assert read_table(tmp_path / "events.parquet").height == truth.height


def test_the_front_moves_at_its_speed(events):
    truth = events.truth(0, (120, 120))
    row = truth.row(int(truth["area"].arg_max()), named=True)
    onset, y, x = (np.array(row[name], float) for name in ("onset", "pixel_y", "pixel_x"))
    first, last = onset.argmin(), onset.argmax()
    away = np.hypot(y[last] - y[first], x[last] - x[first])
    assert away / (onset[last] - onset[first]) == pytest.approx(row["speed"], rel=0.15)


def test_the_movie_brightens_where_and_when_an_event_is():
    session = Session(subject="x", session="1", indicator="GCaMP6s", frame_rate=5, pixel_size=1.0, simulate="x")
    still = {"motion": 0, "nonrigid": 0, "line_jitter": 0, "neuropil_activity": 0, "bleaching": 0}
    parameters = Simulation.model_validate(
        {"frames": 200, "height": 64, "width": 64, "seed": 5, "astrocytes": {"rate": 500, "spread": 0.1}} | still
    )
    (plane,) = prepare(parameters, session)
    frames = np.stack(list(plane.expected()))
    assert not plane.spiking.rates.any(), "neurons are silent"
    rest = np.percentile(frames, 5, axis=0)
    truth = plane.truth().events
    assert truth is not None
    row = truth.row(int(truth["area"].arg_max()), named=True)
    y, x = np.array(row["pixel_y"]), np.array(row["pixel_x"])
    at = round(5 * (row["start_time"] + row["duration"] / 2))
    assert (frames[at] / rest)[y, x].mean() - 1 > 0.4 * row["peak"]


def test_astrocytes_have_no_stimulus():
    with pytest.raises(ValidationError, match="do not respond to the stimulus"):
        Simulation.model_validate({"astrocytes": {}, "stimulus": {}})
