"""groundtrace's own spike inference: a network that knows ν, frame rate and indicator, and how wrong it may be."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from groundtrace.acquisition import CellClass
from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.indicators import Indicator, resource
from groundtrace.needs import Need
from groundtrace.spikes.base import ExpectedCorrelation, MeanRateInterval, SpikeBackend, SpikeRates
from groundtrace.spikes.counts import PARTS, WINDOW, CountDistribution

FEWEST_FRAMES = 16
LEVEL = 0.9
"""Level of the predictive interval."""
MAX_LOOKAHEAD = 32


class Network(SpikeBackend):
    """A convolutional network trained on simultaneous imaging and electrophysiology, for all indicators and rates.

    The interval of the rate is that of the number of spikes in the second around each frame.
    """

    environment: ClassVar[str] = "network"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "torch", "safetensors")
    need: ClassVar[Need] = Need(980, trace=3.7, seconds=7, trace_seconds=0.35)

    backend: Literal["network"] = "network"
    lookahead: Annotated[int, Field(ge=0, le=MAX_LOOKAHEAD)] | None = None
    """Frames after t that the rate at t may depend on, for online use; empty uses the whole recording.
    Noise, baseline and context that describe a trace come from all of what is given, also in the benchmark's sweep:
    online, give what was recorded so far. Cells without any event keep 0.2 to 0.3 Hz then, as more may come."""
    model: Path | None = None
    """Folder with weights made by `snakemake train`; empty takes the weights that come with groundtrace."""
    cell_class: CellClass | None = None
    """Of all cells; it narrows intervals. Empty: a mixture of 85 % excitatory cells and 15 % interneurons.
    A sheet column `cell_class` says it for each session."""
    weights: str = "all"
    """Which of them: `all`, or `without-0`, … trained without some data sets, for a fair benchmark."""

    def run(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        return self._infer(dff, frame_rate, indicator, keep_counts=False)

    def run_with_counts(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None) -> SpikeRates:
        """Run as `run` does, and return the distribution of spike counts that the interval comes from."""
        return self._infer(dff, frame_rate, indicator, keep_counts=True)

    def without(self, dataset: str) -> "Network":
        for path in sorted(self.folder.glob(f"{self._prefix}without-*.safetensors")):
            if dataset in _load(path, "cpu").left_out:
                return self.model_copy(update={"weights": path.stem.removeprefix(self._prefix)})
        return self

    def knowing(self, cell_class: CellClass | None) -> "Network":
        return self.model_copy(update={"cell_class": cell_class}) if cell_class else self

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Ground-truth data sets that these weights have learnt from."""
        return _load(self._path, "cpu").trained_on

    def files(self) -> tuple[Path, ...]:
        return tuple(sorted(self.folder.glob("*.safetensors")))

    @property
    def folder(self) -> Path:
        """Where the weights are."""
        return self.model or resource("models/network")

    @property
    def _prefix(self) -> str:
        return "" if self.lookahead is None else "online-"

    @property
    def _path(self) -> Path:
        return self.folder / f"{self._prefix}{self.weights}.safetensors"

    def _infer(self, dff: FloatArray, frame_rate: float, indicator: Indicator | None, keep_counts: bool) -> SpikeRates:
        import torch

        from groundtrace.spikes.network.expected import from_dict
        from groundtrace.spikes.network.features import Response
        from groundtrace.spikes.network.inference import infer_trace

        checkpoint = _load(self._path, "cuda" if torch.cuda.is_available() else "cpu")
        calibration, told = from_dict(checkpoint.calibration), self.cell_class or ""
        response = Response.of(indicator)
        rate, low, high = (np.full(dff.shape, np.nan, np.float32) for _ in range(3))
        kept = [np.full(dff.shape, np.nan, np.float32) for _ in range(5 if keep_counts else 0)]
        expected, mean_rate = (np.full((len(dff), n), np.nan, np.float32) for n in (3, 2))
        unlike = np.full(len(dff), np.nan, np.float32)
        for i, trace in enumerate(dff):
            if not usable(trace):
                continue
            found = infer_trace(checkpoint, trace, frame_rate, response, self.lookahead)
            rate[i] = found.rate
            if calibration is None:
                continue
            about = calibration.about(found.features, found.context)
            moment = found.mean, found.dispersion, about, told
            unlike[i] = calibration.unlike(found.context, len(trace))
            low[i], high[i] = (end / WINDOW for end in calibration.counts.interval(LEVEL, *moment))
            expected[i] = calibration.expected_correlation(about, told)
            mean_rate[i] = calibration.mean_rate_interval(float(found.rate.mean()), about, told)
            if keep_counts:
                counts = calibration.counts.apply(*moment)
                for array, name in zip(kept, PARTS, strict=True):
                    array[i] = getattr(counts, name)
        unknown = np.full(len(dff), np.nan, np.float32)
        known = calibration is not None
        return SpikeRates(
            rate,
            np.full(len(dff), indicator.decay_time, np.float32) if indicator else unknown,
            unknown,
            low if known else None,
            high if known else None,
            counts=CountDistribution(*kept, widened=calibration.counts.levels(told))
            if calibration and keep_counts
            else None,
            expected=ExpectedCorrelation(*expected.T) if known else None,
            mean_rate=MeanRateInterval(*mean_rate.T) if known else None,
            unlike=unlike if known else None,
        )


def usable(trace: FloatArray) -> bool:
    """Finite, long enough, and not constant."""
    return len(trace) >= FEWEST_FRAMES and bool(np.isfinite(trace).all()) and trace.min() < trace.max()


@lru_cache(maxsize=32)
def _load(path: Path, device: str) -> Any:
    from groundtrace.spikes.network.model import load

    if not path.parent.is_dir():
        raise InputError(
            f"spikes: model: {path.parent} is no folder; leave it empty, or make weights with `snakemake train`"
        )
    return load(path, device)
