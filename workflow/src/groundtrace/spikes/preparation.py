"""Of which recordings spikes can be told, and of which their accuracy is known."""

import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import FloatArray
from groundtrace.indicators import no_calcium
from groundtrace.tables import list_column

FASTEST = 200.0
"""Hz; recordings with known spikes are slower, and calcium says nothing that needs more."""
PREPARATIONS = {
    "dendrite": "dendrites and axons",
    "one_photon": "one-photon recordings",
}
"""Of which no recordings with known spikes tell how accurate rates are."""


def refusal(acquisition: Acquisition) -> str:
    """Why no spikes are inferred of a recording; empty where they are."""
    if no_calcium(acquisition.indicator):
        return (
            f"{acquisition.indicator} shows no calcium, and spike inference reads calcium: there are no rates; use the "
            "dF/F, with methods made for this sensor"
        )
    if acquisition.frame_rate > FASTEST:
        return (
            f"{acquisition.frame_rate:g} Hz is faster than any recording with known spikes (at most {FASTEST:g} Hz): "
            "there are no rates; for calcium, average frames (column frame_rate says the rate of the file), and for "
            "voltage use methods made for it"
        )
    if acquisition.preparation == "astrocyte":
        return "astrocytes fire no spikes: there are no rates; use the dF/F"
    return ""


def withheld(acquisition: Acquisition) -> str:
    """Why the accuracy of spike rates is not said of a recording; empty where it is."""
    what = PREPARATIONS.get(acquisition.preparation)
    if what is None:
        return ""
    return (
        f"no recordings with known spikes exist of {what}: intervals of the rates and the accuracy to expect are left "
        "out; read rates as relative to each other, or use the dF/F"
    )


def without_rates(traces: pl.DataFrame, dff: FloatArray) -> pl.DataFrame:
    """Table Spikes in which every rate is NaN."""
    unknown, empty = pl.Series([None] * len(dff), dtype=pl.Float32), list_column(dff[:, :0])
    names = ("mean_rate", "mean_rate_low", "mean_rate_high")
    accuracy = ("expected_correlation", "expected_correlation_low", "expected_correlation_high")
    return pl.DataFrame(
        {
            "roi": traces["roi"],
            "accepted": traces["accepted"],
            "rate": list_column(dff * float("nan")),
            "rate_low": empty,
            "rate_high": empty,
            **dict.fromkeys(names, unknown),
            "silent": pl.Series([False] * len(dff), dtype=pl.Boolean),
            "noise_level": traces["noise_level"],
            **dict.fromkeys(("decay_time", "explained_variance", "half_decay"), unknown),
            **dict.fromkeys(accuracy, unknown),
        }
    )
