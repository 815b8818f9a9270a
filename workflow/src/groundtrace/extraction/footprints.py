"""What a footprint looks like, described the same way for every extraction backend."""

import numpy as np
import polars as pl
import pyarrow as pa

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.extraction.base import Denoised, Extraction
from groundtrace.extraction.outlines import drawn
from groundtrace.tables import list_column, ragged

STATISTICS = (
    "peak",
    "energy",
    "relative_area",
    "solidity",
    "inside",
    "sharpness",
    "mean_contrast",
)
"""Statistics of `extraction.statistics`: the columns of Rois beyond those that every table of ROIs has."""


def describe(extraction: Extraction, shape: tuple[int, int], neuropil_coefficient: float = 0.7) -> pl.DataFrame:
    """Table Rois. shape: (height, width) of the field; the skewness is that of F - neuropil_coefficient * Fneu."""
    footprints = list(zip(extraction.pixel_y, extraction.pixel_x, extraction.weight, strict=True))
    centroids = np.array([_centroid(*footprint) for footprint in footprints]).reshape(-1, 2)
    return pl.DataFrame(
        {
            "roi": pl.Series(range(len(footprints)), dtype=pl.Int32),
            "pixel_y": ragged(extraction.pixel_y, pa.int32()),
            "pixel_x": ragged(extraction.pixel_x, pa.int32()),
            "weight": ragged(extraction.weight, pa.float32()),
            "overlap": ragged(overlaps(extraction.pixel_y, extraction.pixel_x, shape), pa.bool_()),
            "centroid_y": pl.Series(centroids[:, 0], dtype=pl.Float32),
            "centroid_x": pl.Series(centroids[:, 1], dtype=pl.Float32),
            "area": pl.Series([len(rows) for rows, *_ in footprints], dtype=pl.Int32),
            "compactness": pl.Series([compactness(*drawn(*each)) for each in footprints], dtype=pl.Float32),
            "skew": pl.Series(
                [
                    skewness(f - np.float32(neuropil_coefficient) * n)
                    for f, n in zip(extraction.fluorescence, extraction.neuropil, strict=True)
                ],
                dtype=pl.Float32,
            ),
            **_judgement(extraction),
            **_origin(extraction),
            "snr": _known(extraction.snr, len(footprints)),
            "space_correlation": _known(extraction.space_correlation, len(footprints)),
        }
    )


def _judgement(extraction: Extraction) -> dict[str, pl.Series]:
    """Columns of Rois from `kind` to `classifier_probability`."""
    count, judgement = len(extraction.pixel_y), extraction.judgement
    visible = np.zeros(count, bool) if extraction.visible is None else extraction.visible
    found = judgement.statistics if judgement else None
    return {
        "kind": pl.Series(["visible" if still else extraction.kind for still in visible], dtype=pl.String),
        "cell_probability": _known(judgement.cell_probability if judgement else None, count),
        "accepted": pl.Series(np.asarray(extraction.accepted, bool)),
        "reason": pl.Series(judgement.reasons if judgement else [""] * count, dtype=pl.String),
        **{name: _known(getattr(found, name) if found else None, count) for name in STATISTICS},
        "classifier_probability": _known(extraction.classifier_probability, count),
    }


def _origin(extraction: Extraction) -> dict[str, pl.Series]:
    """Column of given ROIs."""
    given = extraction.given
    return (
        {}
        if given is None
        else {"origin": pl.Series([f"{given.file}: {name}" for name in given.names], dtype=pl.String)}
    )


def _known(values: FloatArray | None, count: int) -> pl.Series:
    """One value per ROI; null where there is none."""
    if values is None:
        return pl.Series([None] * count, dtype=pl.Float32)
    return pl.Series(np.asarray(values, np.float32)).fill_nan(None)


def fluorescence_table(extraction: Extraction) -> pl.DataFrame:
    """Table Fluorescence; the traces are not copied."""
    traces = {name: getattr(extraction, name) for name in ("fluorescence", "neuropil", "calcium", "activity")}
    return pl.DataFrame(
        {
            "roi": pl.Series(range(len(extraction.fluorescence)), dtype=pl.Int32),
            **{name: list_column(values) for name, values in traces.items() if values is not None},
            **(_beside(extraction.denoised) if extraction.denoised else {}),
        }
    )


def _beside(denoised: Denoised) -> dict[str, pl.Series]:
    """Columns of recipes that denoise."""
    return {
        "fluorescence_denoised": list_column(denoised.fluorescence),
        "neuropil_denoised": list_column(denoised.neuropil),
        "fluorescence_noise": pl.Series(denoised.fluorescence_noise, dtype=pl.Float32),
        "neuropil_noise": pl.Series(denoised.neuropil_noise, dtype=pl.Float32),
        "dark": pl.Series([denoised.dark] * len(denoised.fluorescence), dtype=pl.Float32),
    }


def overlaps(pixel_y: list[IntArray], pixel_x: list[IntArray], shape: tuple[int, int]) -> list[BoolArray]:
    """Per ROI and pixel, whether another ROI claims it too."""
    claims = np.zeros(shape, np.int32)
    for rows, columns in zip(pixel_y, pixel_x, strict=True):
        claims[rows, columns] += 1
    return [claims[rows, columns] > 1 for rows, columns in zip(pixel_y, pixel_x, strict=True)]


def compactness(rows: IntArray, columns: IntArray) -> float:
    """Mean distance of the pixels from their centroid over that of a disk of the same area (2/3 of its radius)."""
    if len(rows) < 2:
        return 1.0
    distance = np.hypot(rows - rows.mean(), columns - columns.mean()).mean()
    return float(distance / (2 / 3 * np.sqrt(len(rows) / np.pi)))


def skewness(trace: FloatArray) -> float | None:
    """Third standardised moment; None for a constant trace."""
    centred = trace - trace.mean(dtype=np.float64)
    power = (centred**2).mean()
    if not power > 1e-12 * float(trace.mean(dtype=np.float64)) ** 2:
        return None
    return float((centred**3).mean() / power**1.5)


def _centroid(rows: IntArray, columns: IntArray, weight: FloatArray) -> tuple[float, float]:
    return float(np.average(rows, weights=weight)), float(np.average(columns, weights=weight))
