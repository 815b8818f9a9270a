"""Spike inference without the pipeline: an array of dF/F, or another pipeline's result, to rates."""

import mmap
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from tqdm import tqdm

from groundtrace.acquisition import CellClass
from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError, did_you_mean
from groundtrace.indicators import Indicator
from groundtrace.loading import Traces
from groundtrace.spikes import checks
from groundtrace.spikes.base import SpikeBackend, relative_rates, unlike_others
from groundtrace.spikes.gaps import run_across_gaps
from groundtrace.spikes.kinetics import EXAMINED, half_decay, largest, ratio_to, say_unlike, size_in_spikes, widened
from groundtrace.spikes.silence import NoiseAlone, silent
from groundtrace.traces.noise import noise_level

BLOCK = 16
"""ROIs that are inferred at once."""
EXPECTED = ("expected_correlation", "expected_correlation_low", "expected_correlation_high")
OF_ROI = (*EXPECTED, "mean_rate_low", "mean_rate_high", "unlike")
"""What is known of each ROI."""
METHODS = {
    "network": "groundtrace.spikes.network.backend:Network",
    "oasis": "groundtrace.spikes.oasis:Oasis",
    "convex": "groundtrace.spikes.convex:Convex",
}
"""What `method` may name: a backend that runs without parameters, imported when asked for."""


@dataclass(frozen=True)
class InferredSpikes:
    """Spike rates on the frame grid: rate[:, t] belongs to the time of frame t."""

    rate: FloatArray
    """(n_rois, n_frames) Hz; NaN for ROIs that could not be used, and in gaps."""
    low: FloatArray | None
    """(n_rois, n_frames) Hz, lower end of the predictive interval; None when the method has none."""
    high: FloatArray | None
    """(n_rois, n_frames) Hz, upper end."""
    noise_level: FloatArray
    """(n_rois,) ν, % Hz^(-1/2)."""
    expected_correlation: FloatArray
    """(n_rois,) with the true rate; NaN where nothing is known of it."""
    expected_correlation_low: FloatArray
    expected_correlation_high: FloatArray
    """(n_rois,) ends of its 90 % interval."""
    mean_rate_low: FloatArray
    mean_rate_high: FloatArray
    """(n_rois,) Hz, ends of the 90 % interval of the true mean rate; NaN where nothing is known of it."""
    silent: BoolArray
    """(n_rois,) compatible with no spike, at 5 %: noise alone of such a level gives such a mean rate."""
    unlike: FloatArray
    """(n_rois,) how far a trace is from those that accuracy was measured on; 95 of 100 new ones are below 1."""
    roi: IntArray
    """(n_rois,) number of each ROI in the result it was loaded from, else its row."""
    frame_rate: float
    """Hz."""
    backend: SpikeBackend
    """The method and its parameters, as used."""


def infer_spikes(
    dff: FloatArray | Traces,
    frame_rate: float | None = None,
    indicator: str | None = None,
    method: str | SpikeBackend = "network",
    lookahead: int | None = None,
    out: Path | str | None = None,
    cell_class: CellClass | None = None,
    species: str | None = None,
) -> InferredSpikes:
    """Infer spike rates from dF/F.

    Parameters
    ----------
    dff : (n_rois, n_frames) array or Traces
        dF/F as a fraction (0.5 is 50 %), or what `load_traces` returns. NaN marks gaps.
    frame_rate : float, optional
        Frames per second, Hz; required for an array, part of loaded traces.
    indicator : str, optional
        A name from resources/indicators.tsv, as GCaMP6f; None when it is unknown.
    method : str or SpikeBackend
        network, oasis or convex, or a backend with its own parameters.
    lookahead : int, optional
        Frames after t that the rate at t may depend on, for online use; None uses the whole recording.
    out : path, optional
        Folder for rate.npy, low.npy and high.npy, which are written as they are made and returned memory-mapped. With
        a memory-mapped `dff`, recordings of any size fit into little memory.
    cell_class : {"excitatory", "interneuron"}, optional
        Class of all cells, which narrows intervals; None when it is unknown.
    species : str, optional
        Latin name, as Danio rerio; indicators have kinetics of their own in some. None takes those of mice.

    Returns
    -------
    InferredSpikes
        Rates and their 90 % predictive interval, (n_rois, n_frames) Hz; noise level, % Hz^(-1/2), expected correlation
        with the true rate, and 90 % intervals of that and of the mean rate, (n_rois,).

    Raises
    ------
    InputError
        For what cannot be dF/F of raw noise: per cent, fluorescence, spikes, swapped axes; for an unknown indicator or
        method. What is unusual (denoised, very noisy, gaps, frame rate) is said as a warning.

    Examples
    --------
    >>> import numpy as np
    >>> import groundtrace
    >>> random = np.random.default_rng(0)
    >>> spikes = random.random((2, 900)) < 0.03
    >>> dff = np.stack([np.convolve(row, 0.3 * np.exp(-np.arange(60) / 12))[:900] for row in spikes])
    >>> dff += random.normal(0, 0.04, dff.shape)
    >>> found = groundtrace.infer_spikes(dff, frame_rate=30.0, indicator="GCaMP6f")
    >>> found.rate.shape
    (2, 900)
    >>> [round(float(r), 1) for r in found.expected_correlation]
    [0.8, 0.8]
    """
    roi = dff.roi if isinstance(dff, Traces) else None
    if isinstance(dff, Traces):
        if frame_rate is not None:
            raise InputError("frame_rate: is part of loaded traces; to change it, load_traces(path, frame_rate=...)")
        dff, frame_rate = dff.dff, dff.frame_rate
    kinetics = checks.known_indicator(indicator, species)
    backend = backend_named(method, lookahead).knowing(cell_class)
    frame_rate = checks.check_frame_rate(frame_rate)
    dff = checks.check_array(dff)
    checks.say_gaps(dff, frame_rate)
    checks.check_units(dff, frame_rate)
    checks.check_raw(dff)
    level = noise_level(dff, frame_rate)
    checks.check_noise_level(level)
    some = np.array(dff[:: max(1, -(-len(dff) // EXAMINED))])
    ratio = ratio_to(half_decay(some, frame_rate), kinetics)
    size = size_in_spikes(largest(some, frame_rate), kinetics)
    say_unlike(ratio, size, kinetics)
    if kinetics is not None and backend.unit(kinetics) != "Hz":
        warnings.warn(relative_rates(type(backend).__name__.lower(), kinetics.name), stacklevel=2)
    try:
        arrays, of_roi = _in_blocks(backend, dff, frame_rate, kinetics, level, (ratio, size), out)
    except ModuleNotFoundError as error:
        raise InputError(
            f"method: {type(backend).__name__} needs the package {error.name}, which is not installed; "
            'pip install "groundtrace[spikes]"'
        ) from error
    if said := unlike_others(of_roi["unlike"]):
        warnings.warn(said, stacklevel=2)
    return InferredSpikes(
        rate=arrays["rate"],
        low=arrays.get("low"),
        high=arrays.get("high"),
        noise_level=level,
        **of_roi,
        roi=np.arange(len(dff)) if roi is None else roi,
        frame_rate=frame_rate,
        backend=backend,
    )


def backend_named(method: str | SpikeBackend, lookahead: int | None = None) -> SpikeBackend:
    """The backend of that name with its default parameters, or `method` itself."""
    if isinstance(method, SpikeBackend):
        if lookahead is not None:
            raise InputError("lookahead: a parameter of the method given; set it there, or give the method's name")
        return method
    if method not in METHODS:
        near = did_you_mean(str(method), METHODS) or ";"
        raise InputError(f"method: {method!r} is not known{near} Known are {', '.join(METHODS)}, or a backend object")
    module, _, name = METHODS[method].partition(":")
    kind: type[SpikeBackend] = getattr(import_module(module), name)
    if lookahead is None:
        return kind()
    if "lookahead" not in kind.model_fields:
        raise InputError(
            f"lookahead: the method {method!r} always uses the whole recording; leave it out, or 'network'"
        )
    return kind.model_validate({"lookahead": lookahead})


def _in_blocks(
    backend: SpikeBackend,
    dff: FloatArray,
    frame_rate: float,
    indicator: Indicator | None,
    level: FloatArray,
    unlike: tuple[float, float],
    out: Path | str | None,
) -> tuple[dict[str, FloatArray], dict[str, Any]]:
    """Rates and intervals, each (n_rois, n_frames), and what is expected of each ROI (n_rois,), a few at a time."""
    release(dff)
    arrays: dict[str, FloatArray] = {}
    of_roi: dict[str, Any] = {name: np.full(len(dff), np.nan, np.float32) for name in OF_ROI}
    of_roi["silent"] = np.zeros(len(dff), bool)
    alone = NoiseAlone.of(backend, level, dff.shape[1], frame_rate, indicator)
    starts = range(0, max(len(dff), 1), BLOCK)
    for start in tqdm(starts, desc="spikes", unit_scale=BLOCK, unit=" ROIs", delay=3, disable=None):
        rows = slice(start, start + BLOCK)
        found = run_across_gaps(backend, np.array(dff[rows]), frame_rate, indicator)
        for name in ("rate", "low", "high"):
            values: FloatArray | None = getattr(found, name)
            if values is not None:
                if name not in arrays:
                    arrays[name] = _allocate(name, dff.shape, out)
                arrays[name][rows] = values
        if found.expected is not None:
            expected = widened(found.expected, *unlike)
            for name, values in zip(EXPECTED, (expected.value, expected.low, expected.high), strict=True):
                of_roi[name][rows] = values
        if found.mean_rate is not None:
            of_roi["mean_rate_low"][rows], of_roi["mean_rate_high"][rows] = found.mean_rate.low, found.mean_rate.high
        of_roi["silent"][rows] = silent(found, frame_rate, level[rows], alone)
        if found.unlike is not None:
            of_roi["unlike"][rows] = found.unlike
        release(dff, *arrays.values())
    return arrays, of_roi


def release(*arrays: FloatArray) -> None:
    """Give back the memory of pages of mapped files that were read or written; they stay in the system's cache."""
    for array in arrays:
        mapping = getattr(array, "_mmap", None)
        if isinstance(array, np.memmap) and array.mode != "c" and mapping and hasattr(mmap, "MADV_DONTNEED"):
            mapping.madvise(mmap.MADV_DONTNEED)


def _allocate(name: str, shape: tuple[int, ...], out: Path | str | None) -> FloatArray:
    if out is None:
        return np.empty(shape, np.float32)
    Path(out).mkdir(parents=True, exist_ok=True)
    return open_memmap(Path(out) / f"{name}.npy", "w+", np.float32, shape)
