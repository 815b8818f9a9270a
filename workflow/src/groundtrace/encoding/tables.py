"""Tables of encoding models."""

import polars as pl

from groundtrace.tables import Ints, Series, Table, column

FOLDS = "standard error, of a jackknife over models that were each fitted without one fold of images"
IMAGES = "its standard error, of a jackknife over images"
KINDS = ("mei", "gabor", "field", "best")
"""Images that are compared: the most exciting one, the best Gabor, the linear receptive field, the best image shown."""


class Encoding(Table, key=("roi", "model")):
    """One row per cell and model: how well responses to images that the model has not seen are predicted."""

    roi: Series[pl.Int32] = column("", "0-based", low=0)
    model: Series[str] = column(
        "",
        "name under `encode`; `mean`, the control that knows no image; `oracle`, the mean over half of an image's "
        "trials as a prediction of the other half",
    )
    images: Series[pl.Int32] = column("", "images with a response", low=0)
    correlation: Series[pl.Float32] = column(
        "", "Pearson r of predictions with mean responses over images", nullable=True
    )
    correlation_error: Series[pl.Float32] = column("", IMAGES, low=0, nullable=True)
    normalised: Series[pl.Float32] = column(
        "", "that over its ceiling (CCnorm, Schoppe et al. 2016), of images shown at least twice", nullable=True
    )
    normalised_error: Series[pl.Float32] = column("", IMAGES, low=0, nullable=True)
    feve: Series[pl.Float32] = column(
        "fraction", "of explainable variance that is explained, of images shown at least twice", nullable=True
    )
    feve_error: Series[pl.Float32] = column("fraction", IMAGES, low=0, nullable=True)


class MostExcitingImages(Table, key=("roi", "model")):
    """One row per cell and model: what the image that excites it most, according to the model, looks like."""

    roi: Series[pl.Int32] = column("", "0-based", low=0)
    model: Series[str] = column("", "that the image was made with")
    mean: Series[pl.Float32] = column("units of the stimulus", "of all pixels")
    rms: Series[pl.Float32] = column("units of the stimulus", "standard deviation of all pixels", low=0)
    uniqueness: Series[pl.Float32] = column(
        "", "mean correlation between images from all pairs of starts", nullable=True
    )
    stability: Series[pl.Float32] = column(
        "", "mean correlation with images made with models that were fitted without one fold", nullable=True
    )
    luminance: Series[pl.Float32] = column("units of the stimulus", "mean inside the image's own mask")
    luminance_error: Series[pl.Float32] = column("units of the stimulus", FOLDS, low=0, nullable=True)
    local_rms: Series[pl.Float32] = column("units of the stimulus", "standard deviation inside the mask", low=0)
    local_rms_error: Series[pl.Float32] = column("units of the stimulus", FOLDS, low=0, nullable=True)
    orientation: Series[pl.Float32] = column("°", "of its stripes, counterclockwise from horizontal", low=0, high=180)
    orientation_error: Series[pl.Float32] = column("°", FOLDS, low=0, nullable=True)
    frequency: Series[pl.Float32] = column("cycles/px", "mean of its power spectrum", low=0)
    frequency_error: Series[pl.Float32] = column("cycles/px", FOLDS, low=0, nullable=True)
    symmetry_1: Series[pl.Float32] = column("", "1-fold symmetry index; 1 is a grating", low=0, high=1.001)
    symmetry_1_error: Series[pl.Float32] = column("", FOLDS, low=0, nullable=True)
    symmetry_2: Series[pl.Float32] = column("", "2-fold symmetry index; 1 is a grating or plaid", low=0, high=1.001)
    symmetry_2_error: Series[pl.Float32] = column("", FOLDS, low=0, nullable=True)
    centre_y: Series[pl.Float32] = column("px", "of the mask")
    centre_y_error: Series[pl.Float32] = column("px", FOLDS, low=0, nullable=True)
    centre_x: Series[pl.Float32] = column("px", "of the mask")
    centre_x_error: Series[pl.Float32] = column("px", FOLDS, low=0, nullable=True)
    size: Series[pl.Float32] = column("px", "standard deviation of its gradient energy", low=0)
    size_error: Series[pl.Float32] = column("px", FOLDS, low=0, nullable=True)
    gabor_similarity: Series[pl.Float32] = column("", "correlation with the best Gabor, in the phase that fits best")
    gabor_similarity_error: Series[pl.Float32] = column("", FOLDS, low=0, nullable=True)
    best_images: Ints = column("", "rows, in the stack of images, of those with the largest mean response, best first")


class InSilicoResponses(Table, key=("roi", "made_by", "image", "model")):
    """One row per cell, image made for it, and model: what the model predicts, not what a cell was seen to do. All
    images of a cell have the same mean and RMS contrast."""

    roi: Series[pl.Int32] = column("", "0-based", low=0)
    made_by: Series[str] = column("", "model that the image was made with")
    image: Series[str] = column(
        "", "most exciting, best Gabor, linear receptive field, or best image shown, at the same contrast", isin=KINDS
    )
    model: Series[str] = column("", "that predicts")
    response: Series[pl.Float32] = column("spikes", "predicted")
    response_error: Series[pl.Float32] = column("spikes", FOLDS, low=0, nullable=True)


class Inside(Table, key=("network", "part", "statistic")):
    """One row per layer and statistic of what a network has learnt."""

    network: Series[str] = column("", "untrained is the control", isin=("trained", "untrained", "recorded"))
    part: Series[str] = column("", "layer, or cells: mean responses of the recorded population")
    statistic: Series[str] = column("", "as in `groundtrace.encoding.inside.statistics`, and units, dead, separation")
    value: Series[pl.Float32] = column("", "in the unit of the statistic", nullable=True)
    error: Series[pl.Float32] = column("", "its standard error, of a jackknife over images", low=0, nullable=True)
