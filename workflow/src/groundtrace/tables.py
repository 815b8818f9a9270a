"""Every Parquet table: columns, types, units, ranges and keys, declared once.

An array column holds one list per row (`list<float32>`), never one row per frame of a ROI.
Raise a table's `version` in its `Config.metadata` when a column changes its meaning.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import pandera.polars as pa
import polars as pl
import pyarrow as arrow
from pandera.api.dataframe.model_config import BaseConfig
from pandera.errors import SchemaErrors
from pandera.typing.polars import Series

from groundtrace.errors import SchemaError

Floats = Annotated[pl.List, pl.Float32()]
Ints = Annotated[pl.List, pl.Int32()]
Booleans = Annotated[pl.List, pl.Boolean()]
Times = Annotated[pl.List, pl.Float64()]


def column(unit: str, description: str, *, low: float | None = None, high: float | None = None, **options: Any) -> Any:
    """Declare a column: its unit ("" for none), meaning and allowed closed range."""
    return pa.Field(ge=low, le=high, description=description, metadata={"unit": unit}, **options)


class Table(pa.DataFrameModel):
    """Base of every table."""

    class Config(BaseConfig):  # pyright: ignore[reportIncompatibleVariableOverride] - pandera's own idiom
        strict = True
        ordered = True
        metadata = {"version": 1}

    @classmethod
    def version(cls) -> int:
        return (cls.Config.metadata or {}).get("version", 1)

    @classmethod
    def meaning(cls, name: str) -> tuple[str, str]:
        """Unit and description of a column."""
        declared = cls.to_schema().columns[name]
        return (declared.metadata or {}).get("unit", ""), declared.description or ""


def validate(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` if it keeps the declaration of `table`; raise SchemaError with the first faults if not."""
    try:
        return table.to_schema().validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.head(3)
        faults = "; ".join(
            f"column {row.get('column') or row.get('failure_case')}: {row['check']} (found {row['failure_case']!r})"
            for row in cases.iter_rows(named=True)
        )
        raise SchemaError(f"table {table.__name__}: {faults}") from None


class Frames(Table):
    """Raw frames of a plane, as acquired."""

    frame: Series[pl.Int32] = column("", "0-based frame of this plane", low=0, unique=True)
    brightness: Series[pl.Float32] = column("detector units", "mean pixel value")
    saturated: Series[pl.Float32] = column("fraction", "share of pixels at or above saturation", low=0, high=1)
    blank: Series[bool] = column("", "no signal: shutter closed, or a frame without light")
    dropped: Series[bool] = column("", "a repeat of the frame before, pixel by pixel: the acquisition lost a frame")


class RawQuality(Table):
    """One row per plane: is this recording fit for analysis."""

    frames: Series[pl.Int32] = column("", "frames of this plane", low=2)
    gain: Series[pl.Float32] = column("detector units per photon", "slope of variance on mean", nullable=True)
    offset: Series[pl.Float32] = column("detector units", "pixel value at zero photons", nullable=True)
    photons: Series[pl.Float32] = column("photons per pixel and frame", "mean over the field", nullable=True)
    brightness: Series[pl.Float32] = column("detector units", "mean over the movie")
    brightness_drift: Series[pl.Float32] = column("fraction", "last tenth against first tenth, minus one")
    saturated: Series[pl.Float32] = column("fraction", "share of saturated pixels", low=0, high=1)
    blank_frames: Series[pl.Int32] = column("", "frames without light", low=0)
    dropped_frames: Series[pl.Int32] = column("", "exact repeats of the frame before", low=0)


class Shifts(Table):
    """One row per frame: where the tissue was. registered[t, p] = raw[t, p + (y, x)]."""

    class Config(Table.Config):
        metadata = {"version": 2}

    frame: Series[pl.Int32] = column("", "0-based frame", low=0, unique=True)
    y: Series[pl.Float32] = column("px", "rigid displacement of the frame's content, positive down")
    x: Series[pl.Float32] = column("px", "rigid displacement of the frame's content, positive right")
    y_error: Series[pl.Float32] = column("px", "standard error of the mean displacement; empty: unknown", nullable=True)
    x_error: Series[pl.Float32] = column("px", "standard error of the mean displacement; empty: unknown", nullable=True)
    correlation: Series[pl.Float32] = column("", "peak of the backend's registration correlation, its own scale")
    block_y: Floats = column("px", "nonrigid displacement beyond (y, x), per block; empty when rigid")
    block_x: Floats = column("px", "nonrigid displacement beyond (y, x), per block; empty when rigid")
    template_correlation: Series[pl.Float32] = column(
        "", "Pearson correlation of the registered frame with the template", low=-1, high=1, nullable=True
    )
    bad: Series[bool] = column("", "do not trust this frame")
    reason: Series[str] = column("", "why it is bad: blank, dropped, jump, decorrelated; empty when good")


class MotionQuality(Table):
    """One row per plane and motion backend."""

    template_correlation_before: Series[pl.Float32] = column(
        "", "median over frames of the correlation of raw frames with the template", nullable=True
    )
    template_correlation: Series[pl.Float32] = column("", "the same of registered frames", nullable=True)
    crispness_before: Series[pl.Float32] = column("", "norm of the gradient of the mean image over its mean, raw")
    crispness: Series[pl.Float32] = column("", "the same of the registered movie")
    residual_motion: Series[pl.Float32] = column(
        "px", "median over frames of the displacement that is left against the template", low=0, nullable=True
    )
    residual_motion_95: Series[pl.Float32] = column("px", "95th percentile of the same", low=0, nullable=True)
    displacement: Series[pl.Float32] = column("px", "median length of the rigid shift from its median", low=0)
    displacement_max: Series[pl.Float32] = column("px", "largest length of the rigid shift from its median", low=0)
    bad_frames: Series[pl.Int32] = column("", "frames marked bad", low=0)


class Rois(Table):
    """One row per ROI: a sparse footprint and its description."""

    roi: Series[pl.Int32] = column("", "0-based, the same in every table of this extraction", low=0, unique=True)
    pixel_y: Ints = column("px", "rows of the footprint's pixels")
    pixel_x: Ints = column("px", "columns of the footprint's pixels")
    weight: Floats = column("", "weights of the footprint's pixels, sum 1")
    overlap: Booleans = column("", "pixels that another ROI also claims")
    centroid_y: Series[pl.Float32] = column("px", "weighted mean row")
    centroid_x: Series[pl.Float32] = column("px", "weighted mean column")
    area: Series[pl.Int32] = column("px", "number of pixels", low=1)
    compactness: Series[pl.Float32] = column(
        "", "mean distance from the centroid over that of a disk of the same area; 1 is a disk", low=0
    )
    skew: Series[pl.Float32] = column("", "skewness of the neuropil-corrected trace", nullable=True)
    cell_probability: Series[pl.Float32] = column(
        "", "of being a cell, by the backend's classifier; empty when it has none", low=0, high=1, nullable=True
    )
    accepted: Series[bool] = column("", "counts as a cell in every later step's summary")
    # CaImAn's backends only.
    snr: Series[pl.Float32] | None = column(
        "", "peak of the trace over its noise, by the backend; empty when it does not tell", nullable=True
    )
    space_correlation: Series[pl.Float32] | None = column(
        "",
        "of the footprint with the movie while the ROI is active; empty when the backend does not tell",
        nullable=True,
    )


class Fluorescence(Table):
    """One row per ROI: what extraction measured, in detector units."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    fluorescence: Floats = column("detector units", "F, one value per frame")
    neuropil: Floats = column("detector units", "Fneu, one value per frame")
    # CaImAn's backends only.
    calcium: Floats | None = column("detector units", "denoised light of the ROI without its background")
    activity: Floats | None = column("detector units", "deconvolved from calcium by the backend")
    # Recipes that denoise only.
    fluorescence_denoised: Floats | None = column("detector units", "F in the denoised movie")
    neuropil_denoised: Floats | None = column("detector units", "Fneu in the denoised movie")
    fluorescence_noise: Series[pl.Float32] | None = column(
        "detector units squared", "noise variance per frame of F at mean brightness", low=0
    )
    neuropil_noise: Series[pl.Float32] | None = column("detector units squared", "the same of Fneu", low=0)
    dark: Series[pl.Float32] | None = column(
        "detector units", "noise variance is proportional to the brightness above it"
    )


class TrainingCurve(Table):
    """One row per member and judgement: how training of a denoising network went."""

    class Config(Table.Config):
        unique = ["member", "step"]

    member: Series[pl.Int32] = column("", "0-based network of the ensemble", low=0)
    step: Series[pl.Int32] = column("", "steps of training so far", low=1)
    training_error: Series[pl.Float32] = column(
        "noise variance", "mean squared error at the frames learnt from, since the judgement before", low=0
    )
    calibration_error: Series[pl.Float32] = column(
        "noise variance", "the same of the averaged weights, at frames that are not learnt from", low=0
    )


class DenoisingCheck(Table):
    """One row per kind of value and level: raw frames that were not learnt from, inside their predictive intervals.

    Empty where every frame is denoised with its own measurement.
    """

    class Config(Table.Config):
        unique = ["what", "level"]

    what: Series[str] = column("", "pixels, or disks: means over disks of 5 px radius, as over ROIs")
    level: Series[pl.Float32] = column("fraction", "of the predictive distribution that is inside", low=0, high=1)
    coverage: Series[pl.Float32] = column("fraction", "of the raw values that are", low=0, high=1)
    error_share: Series[pl.Float32] = column(
        "", "variance of the prediction's error over the square of its mean deviation, as used", low=0
    )
    values: Series[pl.Int64] = column("", "raw values looked at", low=1)


class Traces(Table):
    """One row per ROI: fluorescence, neuropil, dF/F and its noise."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    fluorescence: Floats = column("detector units", "F, one value per frame")
    neuropil: Floats = column("detector units", "Fneu, one value per frame")
    dff: Floats = column("fraction", "(F - r Fneu - baseline) / baseline; NaN where the baseline is unusable")
    neuropil_coefficient: Series[pl.Float32] = column("", "r", low=0)
    neuropil_coefficient_error: Series[pl.Float32] = column("", "standard error of r; 0 when fixed", low=0)
    baseline: Series[pl.Float32] = column("detector units", "median of the baseline over the recording", nullable=True)
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν (Rupprecht et al. 2021)", low=0, nullable=True)
    expected_noise_level: Series[pl.Float32] = column(
        "% Hz^-1/2", "ν of photon shot noise alone, from gain, footprint and baseline", low=0, nullable=True
    )
    snr: Series[pl.Float32] = column("", "99th percentile of dF/F above its median over the noise SD", nullable=True)
    skew: Series[pl.Float32] = column("", "skewness of dF/F", nullable=True)
    baseline_near_zero: Series[bool] = column("", "baseline within its noise of zero: dF/F is meaningless")
    negative_fluorescence: Series[bool] = column("", "corrected fluorescence below zero in more than 1 % of frames")
    saturated: Series[bool] = column("", "pixels of the ROI saturate")
    looks_denoised: Series[bool] = column("", "ν far below what its photons allow: smoothed before it came here")
    # Recipes that denoise only.
    dff_denoised: Floats | None = column("fraction", "denoised: mean of what the noise leaves possible, events kept")
    dff_low: Floats | None = column("fraction", "lower end of its 90 % corridor, frame by frame")
    dff_high: Floats | None = column("fraction", "upper end of its 90 % corridor")
    denoising_disagrees: Series[bool] | None = column(
        "", "the denoised movie shows this ROI otherwise than its measured trace beyond chance"
    )


class Spikes(Table):
    """One row per ROI: spike rate on the frame grid."""

    roi: Series[pl.Int32] = column("", "0-based", low=0, unique=True)
    accepted: Series[bool] = column("", "counts as a cell")
    rate: Floats = column("Hz", "expected spikes per second, one value per frame")
    rate_low: Floats = column("Hz", "lower end of the predictive interval; empty when the backend has none")
    rate_high: Floats = column("Hz", "upper end of the predictive interval; empty when the backend has none")
    mean_rate: Series[pl.Float32] = column("Hz", "mean of rate over the recording", nullable=True)
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν of the dF/F used", low=0, nullable=True)
    decay_time: Series[pl.Float32] = column("s", "of the calcium transient, as used", low=0, nullable=True)
    explained_variance: Series[pl.Float32] = column(
        "", "of dF/F by the backend's own calcium trace", high=1, nullable=True
    )
    expected_correlation: Series[pl.Float32] = column(
        "", "Pearson r with true spikes expected at this ν, frame rate and indicator", low=-1, high=1, nullable=True
    )
    expected_correlation_low: Series[pl.Float32] = column("", "lower end of its 90 % interval", nullable=True)
    expected_correlation_high: Series[pl.Float32] = column("", "upper end of its 90 % interval", nullable=True)


class Study(Table):
    """One row per session, plane and recipe, whether it succeeded or failed."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    recipe: Series[str] = column("", "name under `recipes` in the config")
    status: Series[str] = column("", "done or failed")
    reason: Series[str] = column("", "last error line of the failed step; empty when done")
    log: Series[str] = column("", "log of the failed step, relative to the results; empty when done")
    report: Series[str] = column("", "report page, relative to the results")
    indicator: Series[str] = column("", "as in the sheet")
    frame_rate: Series[pl.Float32] = column("Hz", "of the plane", nullable=True)
    duration: Series[pl.Float32] = column("s", "of the recording", nullable=True)
    rois: Series[pl.Int32] = column("", "ROIs found", nullable=True)
    cells: Series[pl.Int32] = column("", "accepted ROIs", nullable=True)
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "median ν of accepted ROIs", nullable=True)
    snr: Series[pl.Float32] = column("", "median signal-to-noise of accepted ROIs", nullable=True)
    spike_rate: Series[pl.Float32] = column("Hz", "median mean spike rate of accepted ROIs", nullable=True)
    expected_correlation: Series[pl.Float32] = column(
        "", "median over accepted ROIs of the correlation expected with true spikes", low=-1, high=1, nullable=True
    )
    residual_motion: Series[pl.Float32] = column("px", "median residual displacement", nullable=True)
    bad_frames: Series[pl.Int32] = column("", "frames marked bad", nullable=True)
    warnings: Series[pl.Int32] = column("", "plain-language warnings in the report", nullable=True)


class Assessment(Table):
    """One row per neuron and condition: a network on a data set that it has not seen."""

    dataset: Series[str] = column("", "ground-truth data set")
    neuron: Series[str] = column("", "neuron of the data set")
    frame_rate: Series[pl.Float64] = column("Hz", "of the trace", low=0)
    noise_level: Series[pl.Float64] = column("% Hz^-1/2", "ν of the trace", low=0)
    lookahead: Series[pl.Int32] = column("frames", "of the network; empty is all", low=0, nullable=True)
    told: Series[bool] = column("", "the network was told the indicator")
    correlation: Series[pl.Float64] = column("", "Pearson r with the true rate, both smoothed", low=-1, high=1)
    features: Times = column("", "that the expected correlation is fitted to")
    mean: Floats = column("", "expected spikes in each 1 s window")
    size: Floats = column("", "dispersion of their distribution, before calibration")
    zero: Floats = column("", "probability of excess zeros, before calibration")
    count: Floats = column("", "true spikes in the window")


class GroundTruth(Table):
    """One row per recording of a neuron whose spikes were measured at the same time as its fluorescence."""

    class Config(Table.Config):
        unique = ["dataset", "neuron", "recording"]

    dataset: Series[str] = column("", "where it comes from; neurons of one data set share microscope and laboratory")
    neuron: Series[str] = column("", "unique in its data set")
    recording: Series[pl.Int32] = column("", "0-based recording of this neuron", low=0)
    indicator: Series[str] = column("", "as in resources/indicators.tsv where it is listed there")
    species: Series[str] = column("", "mouse, zebrafish, ...; empty when unknown")
    area: Series[str] = column("", "brain area; empty when unknown")
    cell_class: Series[str] = column("", "excitatory, PV, SST, VIP, interneuron; empty when unknown")
    frame_rate: Series[pl.Float64] = column("Hz", "mean over frames, gaps left out", low=0)
    noise_level: Series[pl.Float32] = column(
        "% Hz^-1/2", "ν at the native frame rate; missing where the trace is no dF/F", low=0, nullable=True
    )
    regular: Series[bool] = column("", "evenly sampled: every step within 10 % of the median")
    plausible: Series[bool] = column("", "dF/F can be believed: nowhere beyond 60, and not normalised otherwise")
    time: Times = column("s", "middle of each frame, increasing")
    dff: Floats = column("fraction", "dF/F, one value per frame")
    spike_times: Times = column("s", "on the axis of time, sorted; may lie outside the imaged span")


def empty(table: type[Table]) -> pl.DataFrame:
    """The table without rows."""
    return pl.DataFrame(schema={name: declared.dtype.type for name, declared in table.to_schema().columns.items()})


def list_column(array: np.ndarray) -> pl.Series:
    """A column of lists from the rows of a 2-D array, without copying them one by one."""
    array = np.ascontiguousarray(array)
    offsets = arrow.array(np.arange(len(array) + 1, dtype=np.int64) * array.shape[1])
    lists = arrow.LargeListArray.from_arrays(offsets, arrow.array(array.ravel()))
    return pl.Series(pl.from_arrow(lists))


def ragged(rows: Sequence[np.ndarray], kind: arrow.DataType) -> pl.Series:
    """A column of lists of any lengths."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)]).astype(np.int64)
    flat = arrow.array(np.concatenate(rows) if len(rows) else [], type=kind)
    return pl.Series(pl.from_arrow(arrow.LargeListArray.from_arrays(arrow.array(offsets), flat)))


def stack(column: pl.Series) -> np.ndarray:
    """The 2-D array (n_rows, n_frames) of a column of lists of equal length; (0, 0) for an empty column."""
    if len(column) == 0:
        return np.zeros((0, 0), np.float32)
    return column.explode().to_numpy().reshape(len(column), -1)
