"""Tables of a denoising network and its check."""

import polars as pl

from groundtrace.tables import Series, Table, column


class TrainingCurve(Table, key=("member", "step")):
    """One row per member and judgement: how training of a denoising network went."""

    member: Series[pl.Int32] = column("", "0-based network of the ensemble", low=0)
    step: Series[pl.Int32] = column("", "steps of training so far", low=1)
    training_error: Series[pl.Float32] = column(
        "noise variance", "mean squared error at the frames learnt from, since the judgement before", low=0
    )
    calibration_error: Series[pl.Float32] = column(
        "noise variance", "the same of the averaged weights, at frames that are not learnt from", low=0
    )


class DenoisingCheck(Table, key=("what", "level")):
    """One row per kind of value and level: raw frames that were not learnt from, inside their predictive intervals.

    Empty where every frame is denoised with its own measurement.
    """

    what: Series[str] = column("", "pixels, or disks: means over disks of 5 px radius, as over ROIs")
    level: Series[pl.Float32] = column("fraction", "of the predictive distribution that is inside", low=0, high=1)
    coverage: Series[pl.Float32] = column("fraction", "of the raw values that are", low=0, high=1)
    error_share: Series[pl.Float32] = column(
        "", "variance of the prediction's error over the square of its mean deviation, as used", low=0
    )
    values: Series[pl.Int64] = column("", "raw values looked at", low=1)
