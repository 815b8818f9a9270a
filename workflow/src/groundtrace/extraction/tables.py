"""Tables of ROIs and their fluorescence."""

import polars as pl

from groundtrace.tables import Booleans, Floats, Ints, Series, Table, column


class Rois(Table, version=2):
    """One row per ROI: a sparse footprint and its description.

    Extraction leaves it as `found.parquet`; `rois.parquet` has what a person decided, too.
    """

    roi: Series[pl.Int32] = column("", "0-based, the same in every table of this extraction", low=0, unique=True)
    pixel_y: Ints = column("px", "rows of the footprint's pixels")
    pixel_x: Ints = column("px", "columns of the footprint's pixels")
    weight: Floats = column("", "weights of the footprint's pixels, sum 1")
    overlap: Booleans = column("", "pixels that another ROI also claims")
    centroid_y: Series[pl.Float32] = column("px", "weighted mean row")
    centroid_x: Series[pl.Float32] = column("px", "weighted mean column")
    area: Series[pl.Int32] = column("px", "number of pixels", low=1)
    compactness: Series[pl.Float32] = column(
        "",
        "mean distance of its outline's pixels from their centre over that of a disk of the same area; 1 is a disk",
        low=0,
    )
    skew: Series[pl.Float32] = column("", "skewness of the neuropil-corrected trace", nullable=True)
    kind: Series[str] = column(
        "",
        "active or process: found by its activity; visible: does not fire; given: of one's own; merged: joined by a "
        "person",
        isin=["active", "process", "visible", "given", "merged"],
    )
    cell_probability: Series[pl.Float32] = column(
        "",
        "share of ROIs like this one that are cells in simulated recordings; the same for all backends",
        low=0,
        high=1,
        nullable=True,
    )
    accepted: Series[bool] = column("", "counts as a cell in every later step: a person's verdict where there is one")
    reason: Series[str] = column("", "why it is not accepted; empty when it is")
    # Of rois.parquet, not of found.parquet, which no person has seen.
    accepted_automatically: Series[bool] | None = column("", "the verdict before a person's; false for merged ones")
    curated: Series[bool] | None = column("", "a person decided on it")
    note: Series[str] | None = column("", "the person's")
    merged: Ints | None = column("", "ROIs that a person made this one of; they are not accepted any more")
    # By what the probability is judged; empty where the ROI has too few pixels or the movie too few frames.
    peak: Series[pl.Float32] = column("noise SD", "largest value of its trace in the binned movie", nullable=True)
    energy: Series[pl.Float32] = column(
        "noise SD", "root of the sum of squares of its trace above three standard deviations", nullable=True
    )
    relative_area: Series[pl.Float32] = column(
        "", "area of its outline over that of a disk of the cell diameter", nullable=True
    )
    solidity: Series[pl.Float32] = column("", "area of its outline over that of the convex hull", nullable=True)
    inside: Series[pl.Float32] = column("", "share of the active light around the ROI that is inside it", nullable=True)
    sharpness: Series[pl.Float32] = column(
        "", "active light per pixel inside less that just outside, over that inside", nullable=True
    )
    mean_contrast: Series[pl.Float32] = column(
        "", "how much brighter than its surroundings it is in the mean image, in SD of the surroundings", nullable=True
    )
    classifier_probability: Series[pl.Float32] = column("", "by its backend's classifier", low=0, high=1, nullable=True)
    # Given ROIs only.
    origin: Series[str] | None = column("", "file and name under which the ROI was given")
    # CaImAn's backends only.
    snr: Series[pl.Float32] | None = column(
        "", "peak of the trace over its noise, by the backend; empty when it does not tell", nullable=True
    )
    space_correlation: Series[pl.Float32] | None = column(
        "",
        "of the footprint with the movie while the ROI is active; empty when the backend does not tell",
        nullable=True,
    )


class ExtractionQuality(Table):
    """One row per plane and extraction: what cells were looked for, and a count that needs no truth."""

    diameter: Series[pl.Float32] = column("px", "of a cell, as used", low=0)
    diameter_source: Series[str] = column("", "config, pixel size, movie, assumed, or given (ROIs of another pipeline)")
    diameter_seen: Series[pl.Float32] = column(
        "px", "as the movie shows it; empty: nothing to tell it by", nullable=True
    )
    decay: Series[pl.Float32] = column(
        "frames", "of the activity, from the movie's autocorrelation", low=0, nullable=True
    )
    bin_frames: Series[pl.Int32] = column("frames", "averaged for detection and judgement", low=1, nullable=True)
    rois: Series[pl.Int32] = column("", "ROIs found by their activity", low=0)
    accepted: Series[pl.Int32] = column("", "of them accepted", low=0)
    visible: Series[pl.Int32] = column("", "cells of the mean image that do not fire", low=0)
    decoys: Series[pl.Int32] = column(
        "",
        "ROIs of the same search in the inverted movie; empty when the backend does not search",
        low=0,
        nullable=True,
    )
    decoys_accepted: Series[pl.Int32] = column(
        "", "of them accepted: about as many of the accepted ROIs are noise", low=0, nullable=True
    )
    # Given ROIs only.
    given: Series[str] | None = column("", "name of the file that the ROIs come from")
    shift_y: Series[pl.Float32] | None = column(
        "px", "by which given ROIs were moved down onto this recording; empty: not known", nullable=True
    )
    shift_x: Series[pl.Float32] | None = column("px", "the same to the right", nullable=True)
    likeness: Series[pl.Float32] | None = column(
        "", "correlation of the mean images of both recordings after that shift", low=-1, high=1, nullable=True
    )
    notes: Series[str] | None = column("", "what to know of the given ROIs, a line each: what was found; what to do")


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
