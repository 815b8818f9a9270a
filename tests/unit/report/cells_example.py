"""What extraction says of the made-up cells of `report_example`: statistics, images, clips."""

import numpy as np
import polars as pl

from groundtrace.extraction.pictures import event_clips
from groundtrace.extraction.tables import ExtractionQuality, Rois
from tests.tables import example

DIAMETER = 10.0


def example_rois(
    rng: np.random.Generator, footprints: list[tuple], accepted: np.ndarray, silent: np.ndarray
) -> pl.DataFrame:
    """The table Rois; `silent` are the visible cells that do not fire."""
    count = len(footprints)
    area = np.array([len(y) for y, _, _ in footprints], np.int32)
    good = np.where(accepted, 1.0, 0.0)
    reason = np.where(silent, "never active", np.where(accepted, "", "the light is not inside its outline"))
    table = example(
        Rois,
        pixel_y=[y for y, _, _ in footprints],
        pixel_x=[x for _, x, _ in footprints],
        weight=[w for _, _, w in footprints],
        overlap=[[False] * len(y) for y, _, _ in footprints],
        centroid_y=[np.average(y, weights=w) for y, _, w in footprints],
        centroid_x=[np.average(x, weights=w) for _, x, w in footprints],
        area=area,
        compactness=rng.uniform(1, 1.1, count),
        skew=rng.uniform(0.5, 3, count),
        kind=np.where(silent, "visible", "active"),
        cell_probability=np.where(accepted, rng.uniform(0.55, 1, count), rng.uniform(0, 0.45, count)),
        accepted=accepted,
        reason=reason,
        peak=rng.lognormal(1.5 + 0.7 * good, 0.3),
        energy=rng.lognormal(2 + good, 0.5),
        relative_area=area / (np.pi * DIAMETER**2 / 4),
        solidity=rng.uniform(0.8, 1, count),
        inside=rng.uniform(0.1, 0.5, count) + 0.4 * good,
        sharpness=rng.uniform(0.3, 0.7, count) + 0.3 * good,
        mean_contrast=rng.normal(2, 1, count),
    )
    unknown = pl.when(pl.col("kind") == "active")
    return table.with_columns(unknown.then(name).alias(name) for name in ("peak", "energy", "inside"))


def example_extraction_quality(rois: pl.DataFrame, **changes) -> pl.DataFrame:
    active = rois.filter(pl.col("kind") == "active")
    row = {
        "diameter": DIAMETER,
        "diameter_source": "pixel size",
        "diameter_seen": 11.0,
        "decay": 17.0,
        "bin_frames": 12,
        "rois": active.height,
        "accepted": int(active["accepted"].sum()),
        "visible": rois.height - active.height,
        "decoys": 6,
        "decoys_accepted": 1,
    }
    return example(ExtractionQuality, 1, **row | changes)


def example_extraction_images(
    rng: np.random.Generator, rois: pl.DataFrame, mean: np.ndarray, dff: np.ndarray, frame_rate: float, clips: int = 8
) -> dict[str, np.ndarray]:
    """Images of the field, and clips of the first accepted ROIs."""
    energy = np.zeros(mean.shape)
    for y, x, weight, found in rois.select("pixel_y", "pixel_x", "weight", "energy").iter_rows():
        energy[y, x] += (found or 0) * np.array(weight) / max(weight)
    images = {
        "mean": mean,
        "maximum": mean + 3 * energy + rng.normal(0, 10, mean.shape),
        "deviation": np.sqrt(np.abs(mean)) + energy / 4 + rng.normal(0, 0.3, mean.shape),
        "correlation": 0.02 + energy / 80 + rng.normal(0, 0.02, mean.shape),
        "energy": energy + rng.exponential(0.6, mean.shape),
    }
    found = {name: image.astype(np.float32) for name, image in images.items()}
    return found | example_clips(rng, rois, mean, dff, frame_rate, clips)


def example_clips(rng, rois: pl.DataFrame, mean: np.ndarray, dff: np.ndarray, frame_rate: float, count: int) -> dict:
    """Clips of the first accepted ROIs in the first 300 frames of a movie made of the mean image and their traces."""
    frames = min(300, dff.shape[1]) if dff.size else 20
    order = np.flatnonzero(rois["accepted"].to_numpy())[:count]
    pixel_y, pixel_x = ([np.array(pixel) for pixel in rois[name]] for name in ("pixel_y", "pixel_x"))
    movie = np.repeat((mean + rng.normal(0, 25, mean.shape)).astype(np.int16)[None], frames, axis=0)
    for roi in order:
        movie[:, pixel_y[roi], pixel_x[roi]] += (120 * dff[roi, :frames, None]).astype(np.int16)
    good = np.ones(frames, bool)
    return event_clips(movie, good, pixel_y, pixel_x, dff[:, :frames], order, DIAMETER, frame_rate)


def example_motion_clip(mean: np.ndarray, pictures: int = 20) -> dict[str, np.ndarray]:
    """A noisy field that swings, raw and registered."""
    mean = mean[:: -(-len(mean) // 256), :: -(-len(mean) // 256)]
    low, high = np.percentile(mean, [1, 99.8])
    rng = np.random.default_rng(4)
    still = 255 * (mean - low) / (high - low) + rng.normal(0, 25, (pictures, *mean.shape))
    raw = np.stack([np.roll(frame, round(4 * np.sin(k / 3)), axis=0) for k, frame in enumerate(still)])
    return {
        "clip_raw": raw.clip(0, 255).astype(np.uint8),
        "clip_registered": still.clip(0, 255).astype(np.uint8),
        "clip_start": np.array(90, np.int32),
        "clip_step": np.array(3, np.int32),
    }
