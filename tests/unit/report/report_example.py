"""A made-up session for the tests of the reports: cells as blobs, transients that decay, a brain that moves."""

from dataclasses import replace

import numpy as np
import polars as pl
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter
from scipy.stats import poisson, skew

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.report.light import light_envelope
from groundtrace.report.session import TRACE_COLUMNS, SessionInputs
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import list_column, single, validate
from groundtrace.traces.tables import Traces
from tests.tables import example
from tests.unit.report.cells_example import (
    example_extraction_images,
    example_extraction_quality,
    example_motion_clip,
    example_rois,
)

STEPS = ("ingest", "motion", "extract", "dff", "spikes")


def example_session(
    rois: int = 120,
    frames: int = 6000,
    side: int = 256,
    noise: float = 2.5,
    copies: int = 1,
    silent: int = 0,
    clips: int = 8,
    **changes,
) -> SessionInputs:
    """A valid session of `rois` ROIs; `noise` is its median ν. `changes` are fields of SessionInputs to replace.

    The last `silent` ROIs are visible cells that do not fire; `clips` of the accepted ones have a clip. With `copies`
    the traces of that part of the ROIs are repeated, which is faster and needs no more memory than their tables.
    """
    rng = np.random.default_rng(1)
    acquisition = example_acquisition(frames, side)
    footprints, image = blobs(rng, rois, side)
    accepted = rng.random(rois) < 0.75
    visible = np.arange(rois) >= rois - silent
    accepted &= ~visible
    levels = noise * rng.lognormal(0, 0.35, rois // copies)
    dff, rate = activity(rng, levels, frames, acquisition.frame_rate)
    shifts = example_shifts(rng, frames)
    cells = example_rois(np.random.default_rng(2), footprints, accepted, visible)
    tables = {
        "frames": example_frames(rng, frames, shifts),
        "raw_quality": example_raw_quality(frames),
        "shifts": shifts,
        "motion_quality": example_motion_quality(shifts),
        "rois": cells,
        "extraction_quality": example_extraction_quality(cells),
        "traces": example_traces(rng, dff, accepted[: len(dff)], levels),
        "spikes": example_spikes(rate, accepted[: len(dff)], levels),
    }
    rows = np.arange(rois) % max(len(dff), 1)
    light = {name: light_envelope(tables["traces"][name][rows]) for name in ("fluorescence", "neuropil")}
    if copies > 1:
        # A large session is held as it is read: without what the page only shows the envelope of.
        tables["traces"] = repeated(tables["traces"].select(TRACE_COLUMNS)[rows], accepted)
        tables["spikes"] = repeated(tables["spikes"][rows], accepted)
    mean = image + rng.normal(0, 4, image.shape)
    blurred = (np.roll(image, 2, 0) + np.roll(image, -2, 0) + np.roll(image, 2, 1) + np.roll(image, -2, 1)) / 4
    images = {"template": image, "mean": mean.astype(np.float32), "mean_before": blurred.astype(np.float32)}
    fields = tables | {
        "acquisition": acquisition,
        "light": light,
        "extraction_images": example_extraction_images(
            np.random.default_rng(3),
            cells,
            images["mean"],
            dff[rows, :300],
            acquisition.frame_rate,
            clips,
        ),
        "raw_images": {"mean": images["mean_before"], "std": images["mean_before"] / 10},
        "motion_images": images | example_motion_clip(images["mean"], 60 if copies > 1 else 20),
        "recipe": "default",
        "provenance": example_provenance(acquisition),
    }
    return SessionInputs(**(fields | changes))


def repeated(table: pl.DataFrame, accepted: np.ndarray) -> pl.DataFrame:
    """A table of traces with the numbers and verdicts of all ROIs."""
    return table.with_columns(roi=pl.arange(table.height, dtype=pl.Int32, eager=True), accepted=pl.Series(accepted))


def example_acquisition(frames: int, side: int, **changes) -> Acquisition:
    fields = {
        "subject": "M01",
        "session": "001",
        "date": "20260301",
        "plane": 0,
        "planes": 2,
        "channels": 1,
        "functional_channel": 1,
        "frames": frames,
        "height": side,
        "width": side,
        "dtype": "int16",
        "frame_rate": 30.0,
        "pixel_size": 1.2,
        "indicator": "GCaMP6s",
        "location": "V1",
        "saturation": 32767,
        "gain": 62.5,
        "offset": 12.0,
        "sources": (SourceFile(name="M01_001.tif", sha256="5f" * 32, frames=2 * frames),),
    }
    return Acquisition(**(fields | changes))


def blobs(rng: np.random.Generator, count: int, side: int) -> tuple[list[tuple], np.ndarray]:
    """Footprints (y, x, weight) of `count` somata, and the mean image that shows them as rings."""
    y, x = np.mgrid[:side, :side]
    image = 120 + 40 * np.sin(x / side * 5 + 1) * np.cos(y / side * 4) + rng.normal(0, 6, (side, side))
    footprints = []
    for _ in range(count):
        centre = rng.uniform(6, side - 6, 2)
        axes = rng.uniform(3.6, 6.2, 2)
        angle = rng.uniform(0, np.pi)
        dy, dx = y - centre[0], x - centre[1]
        u, v = dy * np.cos(angle) + dx * np.sin(angle), dx * np.cos(angle) - dy * np.sin(angle)
        distance = np.hypot(u / axes[0], v / axes[1])
        inside = distance < 1
        image += rng.uniform(40, 140) * np.exp(-(((distance - 0.75) / 0.3) ** 2))
        rows, columns = np.nonzero(inside)
        weight = np.exp(-(distance[inside] ** 2))
        footprints.append((rows, columns, weight / weight.sum()))
    return footprints, image.astype(np.float32)


def activity(rng: np.random.Generator, levels: np.ndarray, frames: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """dF/F and sparse spike rates (n_rois, n_frames): bursts of a few assemblies, each cell with its noise level."""
    assemblies = np.repeat(rng.random((6, frames // 15 + 1)) < 0.03, 15, axis=1)[:, :frames]
    dff = np.empty((len(levels), frames), np.float32)
    rates = np.empty((len(levels), frames), np.float32)
    for i, level in enumerate(levels):
        drive = 0.004 + 0.15 * assemblies[i % 6] * rng.uniform(0.2, 1)
        spikes = rng.poisson(drive).astype(np.float32)
        calcium = lfilter([1], [1, -np.exp(-1 / (0.57 * rate))], spikes) * 0.3
        sigma = level / 100 * np.sqrt(rate) / 0.954
        dff[i] = calcium + rng.normal(0, sigma, frames)
        found = spikes * rng.uniform(0.6, 1.3, frames) + (rng.random(frames) < 0.01) * rng.exponential(0.4, frames)
        rates[i] = np.where(found > 0.05, found, 0) * rate
    return dff, rates


def example_shifts(rng: np.random.Generator, frames: int) -> pl.DataFrame:
    sway = lfilter([1], [1, -0.995], rng.normal(0, 0.12, (2, frames)), axis=1)
    bursts = np.zeros(frames)
    for start in rng.integers(0, max(frames - 60, 1), 5):
        bursts[start : start + 40] += rng.normal(0, 5)
    y, x = np.round(sway[0] + bursts), np.round(sway[1] - 0.6 * bursts)
    correlation = 0.82 - 0.012 * np.abs(bursts) + rng.normal(0, 0.012, frames)
    bad = np.abs(bursts) > 6
    bad[frames // 3 : frames // 3 + 12] = True
    return example(Shifts, y=y, x=x, template_correlation=correlation, bad=bad, reason=np.where(bad, "jump", ""))


def example_frames(rng: np.random.Generator, frames: int, shifts: pl.DataFrame) -> pl.DataFrame:
    time = np.arange(frames) / frames
    brightness = 160 * (0.92 + 0.08 * np.exp(-3 * time)) + rng.normal(0, 0.8, frames)
    blank = np.zeros(frames, bool)
    blank[frames // 3 : frames // 3 + 12] = True
    brightness[blank] = 12
    dropped = np.zeros(frames, bool)
    dropped[[frames // 2, frames * 3 // 4]] = True
    saturated = np.where(rng.random(frames) < 0.004, 3e-4, 0)
    return example(Frames, brightness=brightness, saturated=saturated, blank=blank, dropped=dropped)


def example_raw_quality(frames: int, **changes) -> pl.DataFrame:
    row = {
        "frames": frames,
        "gain": 62.5,
        "offset": 12.0,
        "photons": 2.37,
        "brightness": 158.0,
        "brightness_drift": -0.07,
        "saturated": 2e-6,
        "blank_frames": 12,
        "dropped_frames": 2,
        "flash_frames": 0,
    }
    return example(RawQuality, 1, **row | changes)


def example_motion_quality(shifts: pl.DataFrame, **changes) -> pl.DataFrame:
    row = {
        "template_correlation_before": 0.71,
        "template_correlation": 0.82,
        "crispness_before": 0.041,
        "crispness": 0.057,
        "residual_motion": 0.18,
        "residual_motion_95": 0.62,
        "displacement": 1.4,
        "displacement_max": 11.2,
        "bad_frames": int(shifts["bad"].sum()),
    }
    return example(MotionQuality, 1, **row | changes)


def example_traces(rng: np.random.Generator, dff: np.ndarray, accepted: np.ndarray, levels: np.ndarray) -> pl.DataFrame:
    slow = 40 * np.sin(np.arange(dff.shape[1]) / 400)
    peak = [np.percentile(trace, 99) - np.median(trace) for trace in dff]
    return example(
        Traces,
        accepted=accepted,
        fluorescence=300 * (1 + dff) + slow,
        neuropil=180 + slow + 30 * dff[::-1],
        dff=dff,
        neuropil_coefficient=0.7,
        neuropil_coefficient_error=0.0,
        neuropil_fitted=0.7,
        neuropil_fitted_error=0.05,
        baseline=rng.uniform(100, 400, len(dff)),
        dff_scale_error=0.15,
        noise_level=levels,
        expected_noise_level=levels * 0.9,
        snr=peak / (levels / 100 * np.sqrt(30) / 0.954),
        skew=[skew(trace) for trace in dff],
        negative_fluorescence=np.arange(len(dff)) % 40 == 33,
    )


def example_spikes(rate: np.ndarray, accepted: np.ndarray, levels: np.ndarray) -> pl.DataFrame:
    return example(
        Spikes,
        accepted=accepted,
        rate=rate,
        mean_rate=rate.mean(axis=1),
        silent=False,
        noise_level=levels,
        decay_time=0.57,
        explained_variance=0.6,
    )


def with_accuracy(session: SessionInputs) -> SessionInputs:
    """The same session as by the method network: intervals of spike counts, and expected correlations that fall with ν.

    The first ROI has no usable dF/F, so nothing is known of it.
    """
    rate = np.array(session.spikes["rate"].to_list(), np.float32)
    width = max(1, round(session.acquisition.frame_rate))
    counts = uniform_filter1d(rate, width, axis=1, mode="constant")
    level = session.spikes["noise_level"].to_numpy()
    z = np.where(session.spikes["roi"].to_numpy() == 0, np.nan, 1.1 * np.exp(-level / 6))
    known = {"": z, "_low": z - 0.4, "_high": z + 0.25}
    spikes = session.spikes.with_columns(
        rate_low=list_column(poisson.ppf(0.05, counts).astype(np.float32)),
        rate_high=list_column(poisson.ppf(0.95, counts + 0.02).astype(np.float32)),
        **{f"expected_correlation{end}": single(np.tanh(values)) for end, values in known.items()},
    )
    provenance = example_provenance(session.acquisition, {"backend": "network", "lookahead": None, "weights": "all"})
    return replace(session, spikes=validate(Spikes, spikes), provenance=provenance)


def example_provenance(acquisition: Acquisition, spikes: dict | None = None) -> dict:
    parameters = {
        "ingest": {"format": "tiff", "planes": 2, "channels": 1},
        "motion": {"backend": "suite2p", "nonrigid": True, "block_size": [128, 128], "max_shift": 0.1},
        "extract": {"backend": "suite2p", "threshold_scaling": 1.0, "settings": {"detection": {"max_overlap": 0.75}}},
        "dff": {"neuropil": {"method": "fixed", "coefficient": 0.7}, "baseline": "percentile", "window": 60.0},
        "spikes": spikes or {"backend": "oasis", "decay_time": None},
    }
    versions = {"groundtrace": "0.1.0", "numpy": "2.4.6", "scipy": "1.17.1", "suite2p": "1.1.0"}
    return {
        "history": [{"step": step, "parameters": parameters[step], "versions": versions} for step in STEPS],
        "sources": [source.model_dump() for source in acquisition.sources],
    }
