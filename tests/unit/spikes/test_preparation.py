import numpy as np
import polars as pl
import pytest

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.io import write_table
from groundtrace.notices import Notice
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.steps import infer_spikes
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import list_column


def acquisition(**changes) -> Acquisition:
    fields = {"subject": "x", "session": "1", "plane": 0, "planes": 1, "channels": 1, "functional_channel": 1,
              "frames": 600, "height": 8, "width": 8, "dtype": "int16", "frame_rate": 30.0, "saturation": 0,
              "indicator": "GCaMP6s", "sources": (SourceFile(name="m", sha256="0", frames=600),)}  # fmt: skip
    return Acquisition(**fields | changes)


@pytest.fixture(scope="module")
def traces() -> pl.DataFrame:
    dff = np.random.default_rng(0).normal(0, 0.1, (2, 600)).astype(np.float32)
    dff[:, 100:160] += np.exp(-np.arange(60) / 20)
    columns = {"noise_level": [2.0, 2.0], "accepted": [True, True]}
    roi = pl.Series([0, 1], dtype=pl.Int32)
    return pl.DataFrame({"roi": roi, "dff": list_column(dff)} | columns, schema_overrides={"noise_level": pl.Float32})


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"indicator": "SF-iGluSnFR"}, "shows no calcium"),
        ({"indicator": "Voltron2"}, "shows no calcium"),
        ({"frame_rate": 400.0}, "faster than any recording with known spikes"),
        ({"preparation": "astrocyte"}, "astrocytes fire no spikes"),
    ],
)
def test_spikes_are_refused_with_the_reason(what, reason, traces, tmp_path):
    with pytest.warns(Notice, match=reason):
        found = infer_spikes(traces, acquisition(**what), Network())
    assert np.isnan(found["rate"][0].to_numpy()).all()
    assert len(found["rate"][0]) == 600
    write_table(tmp_path / "spikes.parquet", Spikes, found, {})


@pytest.mark.parametrize("preparation", ["dendrite", "one_photon"])
def test_accuracy_that_rests_on_somata_is_withheld_elsewhere(preparation, traces, tmp_path):
    somata = infer_spikes(traces, acquisition(), Network())
    with pytest.warns(Notice, match="no recordings with known spikes"):
        found = infer_spikes(traces, acquisition(preparation=preparation), Network())
    np.testing.assert_array_equal(found["rate"][0].to_numpy(), somata["rate"][0].to_numpy())
    assert len(somata["rate_low"][0]) == 600
    assert len(found["rate_low"][0]) == 0
    assert somata["expected_correlation"].null_count() == 0
    assert found["expected_correlation"].null_count() == found["mean_rate_low"].null_count() == 2
    write_table(tmp_path / "spikes.parquet", Spikes, found, {})
