"""What every spike inference backend promises."""

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from groundtrace.errors import InputError
from groundtrace.indicators import indicators
from groundtrace.spikes.base import SpikeBackend
from groundtrace.testing.contract import Contract, promise

RATE = 30.0
"""Hz."""


class SpikeContract(Contract[SpikeBackend]):
    """Promises of `SpikeBackend`.

    correlation: least Pearson r of rates with spikes, both smoothed by 50 ms. counts: between which inferred over true
    spikes must lie; a penalty on events shrinks them, and a factor of two is what every method must reach.
    """

    def __init__(
        self, backend: SpikeBackend, correlation: float = 0.9, counts: tuple[float, float] = (0.5, 2.0)
    ) -> None:
        super().__init__(backend)
        self.correlation, self.counts = correlation, counts

    def rate(self, dff: np.ndarray, indicator: str = "GCaMP6f") -> np.ndarray:
        return self.backend.run(dff, RATE, indicators()[indicator]).rate

    @promise()
    def rates_follow_the_spikes_in_hz(self, folder: Path) -> None:
        dff, spikes = population("jGCaMP8m")
        found = self.rate(dff, "jGCaMP8m")
        assert found.shape == dff.shape, f"rates have shape {found.shape}, dF/F has {dff.shape}"
        assert (found >= 0).all(), "rates are negative or NaN"
        for rate, truth in zip(found, spikes, strict=True):
            r = np.corrcoef(smooth(rate), smooth(truth))[0, 1]
            assert r > self.correlation, f"rates correlate by {r:.2f} with spikes, {self.correlation} is wanted"
        low, high = self.counts
        share = found.mean() / (spikes.mean() * RATE)
        assert low < share < high, f"{share:.2f} of the true spikes are inferred, {low} to {high} is allowed"

    @promise("GCaMP6s", "GCaMP6f", "jGCaMP8m")
    def the_known_lag_is_removed(self, folder: Path, indicator: str) -> None:
        dff, spikes = population(indicator, noise=0.005)
        rate = smooth(self.rate(dff, indicator)).ravel()
        lags = range(-4, 5)
        r = [np.corrcoef(np.roll(rate, lag), smooth(spikes).ravel())[0, 1] for lag in lags]
        lag = lags[int(np.argmax(r))]
        assert abs(lag) <= 1, f"rates are {-lag} frames late"

    @promise()
    def each_roi_is_inferred_independently(self, folder: Path) -> None:
        dff, _ = population("GCaMP6f")
        assert np.array_equal(self.rate(dff[[2]])[0], self.rate(dff)[2]), "a ROI's rate depends on the others"

    @promise()
    def the_same_input_gives_the_same_bytes(self, folder: Path) -> None:
        dff, _ = population("GCaMP6f")
        assert self.rate(dff).tobytes() == self.rate(dff).tobytes(), "a second run gives another result"

    @promise()
    def an_unusable_trace_gives_nan_and_harms_no_other(self, folder: Path) -> None:
        dff, _ = population("GCaMP6f")
        whole = self.rate(dff)
        dff[1] = np.nan
        found = self.rate(dff)
        assert np.isnan(found[1]).all(), "a trace of NaN has a rate"
        assert np.array_equal(found[[0, 2, 3]], whole[[0, 2, 3]]), "a trace of NaN changes the rates of others"

    @promise()
    def no_roi_is_a_valid_answer(self, folder: Path) -> None:
        shape = self.rate(np.zeros((0, 100), np.float32)).shape
        assert shape == (0, 100), f"rates of no ROI have shape {shape}, not (0, 100)"

    @promise()
    def an_unknown_indicator_is_answered_or_refused_naming_it(self, folder: Path) -> None:
        dff, _ = population("GCaMP6f", cells=1, frames=300)
        try:
            rate, said = self.backend.run(dff, RATE, None).rate, ""
        except InputError as error:
            rate, said = np.zeros(0), str(error)
        assert len(rate) or "indicator: " in said, f"refused without naming the indicator: {said}"
        assert np.isfinite(rate).all(), "rates are not finite without an indicator"

    @promise()
    def a_constant_trace_holds_no_spikes_or_is_unusable(self, folder: Path) -> None:
        rate = self.rate(np.zeros((1, 300), np.float32))
        assert np.isnan(rate).all() or rate.mean() < 0.5, f"a constant trace has {rate.mean():.2f} spikes a second"

    @promise()
    def the_result_is_as_long_as_the_recording(self, folder: Path) -> None:
        dff, _ = population("GCaMP6f", cells=1, frames=301)
        for frames in (1, 2, 9, 30, 63, 64, 65, 99, 101, 301):
            rate = self.rate(dff[:, :frames])
            assert rate.shape == (1, frames), f"rates of {frames} frames have shape {rate.shape}"
            assert frames < 20 or np.isfinite(rate).all(), f"rates of {frames} frames are not finite"


def population(
    indicator: str, cells: int = 4, frames: int = 3000, noise: float = 0.05, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """dF/F and spike counts; each spike rises after the indicator's lag and decays exponentially."""
    kinetics = indicators()[indicator]
    generator = np.random.default_rng(seed)
    spikes = generator.poisson(0.8 / RATE, (cells, frames)).astype(float)
    time = np.arange(int(6 * kinetics.decay_time * RATE)) / RATE
    kernel = (
        kinetics.amplitude * np.exp(-np.maximum(time - kinetics.lag, 0) / kinetics.decay_time) * (time >= kinetics.lag)
    )
    dff = np.stack([np.convolve(row, kernel)[:frames] for row in spikes]) + generator.normal(0, noise, spikes.shape)
    return dff.astype(np.float32), spikes


def smooth(traces: np.ndarray) -> np.ndarray:
    return gaussian_filter1d(traces, 0.05 * RATE, axis=-1)
