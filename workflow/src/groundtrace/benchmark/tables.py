"""Tables of the benchmarks: spikes on ground truth; all other stages, and whole recipes, on simulated recordings.

Rows on simulated recordings start with the conditions of their recording, so that each table can be read alone. Names
of methods are in `motion_method`, `denoise`, `extract` and `spikes`; `motion` is the size of the true motion.
"""

import polars as pl

from groundtrace.tables import Floats, Ints, Series, Table, column


class SpikeBenchmark(
    Table,
    key=("dataset", "neuron", "backend", "noise_level", "snr", "frame_rate", "lookahead", "indicator_told", "metric"),
):
    """One row per neuron, backend, condition and metric: how well spikes are inferred where the truth is known."""

    dataset: Series[str] = column("", "ground-truth data set, or population for the simulated one")
    neuron: Series[str] = column("", "neuron of the data set")
    indicator: Series[str] = column("", "calcium indicator")
    cell_class: Series[str] = column("", "excitatory, PV, SST, VIP, interneuron; empty when unknown")
    backend: Series[str] = column("", "name under `spikes`, or a control: dff, shuffled, zero, oracle")
    in_sample: Series[bool] = column("", "the backend has learnt from this data set")
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν of the traces", low=0)
    snr: Series[pl.Float32] = column(
        "", "peak dF/F of one spike over the noise per frame that set ν; empty where ν was chosen", low=0, nullable=True
    )
    frame_rate: Series[pl.Float32] = column("Hz", "of the traces", low=0)
    lookahead: Series[pl.Int32] = column("frames", "that inference waits for; empty is all", low=0, nullable=True)
    indicator_told: Series[bool] = column("", "the backend was told the indicator where its kinetics are known")
    metric: Series[str] = column("", "what `value` is; see the benchmark report")
    value: Series[pl.Float32] = column("", "value of the metric")


class Conditions(Table):
    """What was recorded: the first columns of every table here."""

    session: Series[str] = column("", "sub-…/ses-…")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    indicator: Series[str] = column("", "as in the sheet")
    frame_rate: Series[pl.Float32] = column("Hz", "of the plane", low=0)
    pixel_size: Series[pl.Float32] = column("µm", "of the field", low=0)
    photons: Series[pl.Float32] = column("photons per pixel and frame", "mean, as simulated", low=0)
    density: Series[pl.Float32] = column("cells per mm³", "as simulated", low=0)
    motion: Series[pl.Float32] = column("px", "RMS length of the true rigid displacement from its mean", low=0)
    nonrigid: Series[pl.Float32] = column("px", "RMS length of the true displacement beyond rigid and rows", low=0)
    axial: Series[pl.Float32] = column("µm", "standard deviation of the true axial displacement", low=0)


class MotionBenchmark(Conditions, key=("session", "plane", "motion_method")):
    """One row per plane and motion correction: how far its frames are from where the tissue truly was."""

    motion_method: Series[str] = column("", "name under `motion`")
    residual: Series[pl.Float32] = column("px", "RMS over field and frames of the displacement left", low=0)
    residual_rigid: Series[pl.Float32] = column("px", "the same of its mean over the field", low=0)
    residual_99: Series[pl.Float32] = column("px", "99th percentile over frames of the RMS over the field", low=0)
    residual_rest: Series[pl.Float32] = column(
        "px", "RMS over the frames at rest; empty without any", low=0, nullable=True
    )
    residual_moving: Series[pl.Float32] = column(
        "px", "RMS over the frames during locomotion; empty without any", low=0, nullable=True
    )
    frames_lost: Series[pl.Float32] = column(
        "fraction", "frames off by more than 2 px or marked bad, of those that the acquisition kept", low=0, high=1
    )
    frames: Series[pl.Int32] = column("", "frames of the plane", low=1)


class ExtractionBenchmark(Conditions, key=("session", "plane", "motion_method", "denoise", "extract", "selection")):
    """One row per plane, chain of methods and selection of ROIs: which cells were found, and how well measured.

    Counted are detectable somata; a ROI that matches an undetectable cell or a dendrite is neither hit nor false.
    """

    motion_method: Series[str] = column("", "name under `motion`")
    denoise: Series[str] = column("", "name under `denoise`")
    extract: Series[str] = column("", "name under `extract`, or the control oracle")
    selection: Series[str] = column("", "which ROIs: accepted, or all", isin=["accepted", "all"])
    cells: Series[pl.Int32] = column("", "detectable somata", low=0)
    rois: Series[pl.Int32] = column("", "ROIs of the selection", low=0)
    precision_30: Series[pl.Float32] = column("", "at an IoU of 0.3 or more", low=0, high=1, nullable=True)
    recall_30: Series[pl.Float32] = column("", "at an IoU of 0.3 or more", low=0, high=1, nullable=True)
    f1_30: Series[pl.Float32] = column("", "at an IoU of 0.3 or more", low=0, high=1, nullable=True)
    precision_50: Series[pl.Float32] = column("", "at an IoU of 0.5 or more", low=0, high=1, nullable=True)
    recall_50: Series[pl.Float32] = column("", "at an IoU of 0.5 or more", low=0, high=1, nullable=True)
    f1_50: Series[pl.Float32] = column("", "at an IoU of 0.5 or more", low=0, high=1, nullable=True)
    overlap: Series[pl.Float32] = column("", "median IoU of the pairs at 0.3", low=0, high=1, nullable=True)
    trace_correlation: Series[pl.Float32] = column(
        "", "median over the cells found of r between dF/F and true calcium", low=-1, high=1, nullable=True
    )
    crosstalk_neighbours: Series[pl.Float32] = column(
        "", "median over the cells found of the correlation with neighbours beyond their own", high=1, nullable=True
    )
    crosstalk_neuropil: Series[pl.Float32] = column(
        "", "median over the cells found of the correlation with neuropil beyond their own", high=1, nullable=True
    )
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "median ν of the cells found", low=0, nullable=True)
    residual: Series[pl.Float32] = column("px", "displacement that motion correction left", low=0)


class CellBenchmark(Conditions, key=("session", "plane", "recipe", "cell")):
    """One row per true cell and recipe: was it found, and how right are its trace and its spikes."""

    recipe: Series[str] = column("", "name under `recipes`")
    motion_method: Series[str] = column("", "name under `motion`")
    denoise: Series[str] = column("", "name under `denoise`")
    extract: Series[str] = column("", "name under `extract`, or the control oracle")
    spikes: Series[str] = column("", "name under `spikes`")
    cell: Series[pl.Int32] = column("", "0-based, column roi of the truth", low=0)
    kind: Series[str] = column("", "soma or dendrite", isin=["soma", "dendrite"])
    depth: Series[pl.Float32] = column("µm", "of the cell's centre from the focal plane, as in the truth")
    detectability: Series[pl.Float32] = column("", "d′ of the cell, as in the truth", low=0)
    true_spikes: Series[pl.Int32] = column("", "spikes during the recording", low=0)
    roi: Series[pl.Int32] = column("", "accepted ROI matched at an IoU of 0.3; empty when missed", low=0, nullable=True)
    iou: Series[pl.Float32] = column("", "of the cell and its ROI", low=0, high=1, nullable=True)
    trace_correlation: Series[pl.Float32] = column(
        "", "Pearson r of dF/F with true calcium; empty when missed", low=-1, high=1, nullable=True
    )
    spike_correlation: Series[pl.Float32] = column(
        "", "Pearson r with true spikes, both smoothed; 0 when missed, empty without spikes", low=-1, high=1,
        nullable=True,
    )  # fmt: skip
    crosstalk_neighbours: Series[pl.Float32] = column(
        "", "correlation with the calcium of its neighbours beyond its own", low=-1, high=1, nullable=True
    )
    crosstalk_neuropil: Series[pl.Float32] = column(
        "", "correlation with the neuropil around it beyond its own calcium", low=-1, high=1, nullable=True
    )
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν of its ROI", low=0, nullable=True)


class RecipeBenchmark(Conditions, key=("session", "plane", "recipe")):
    """One row per plane and recipe, from raw movie to spike rate: what a user of the recipe gets."""

    recipe: Series[str] = column("", "name under `recipes`")
    motion_method: Series[str] = column("", "name under `motion`")
    denoise: Series[str] = column("", "name under `denoise`")
    extract: Series[str] = column("", "name under `extract`, or the control oracle")
    spikes: Series[str] = column("", "name under `spikes`")
    cells: Series[pl.Int32] = column("", "detectable somata with spikes", low=0)
    score: Series[pl.Float32] = column(
        "", "mean over them of r with true spikes, missed cells as 0", low=-1, high=1, nullable=True
    )
    found: Series[pl.Float32] = column("fraction", "of them that have a ROI", low=0, high=1, nullable=True)
    found_correlation: Series[pl.Float32] = column(
        "", "mean r with true spikes of those found", low=-1, high=1, nullable=True
    )
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "median ν of those found", low=0, nullable=True)


class ResponseBenchmark(Conditions, key=("session", "plane", "recipe", "source", "cell")):
    """One row per detectable soma that a recipe found, and source of its responses, of sessions with a stimulus."""

    recipe: Series[str] = column("", "name under `recipes`")
    motion_method: Series[str] = column("", "name under `motion`")
    denoise: Series[str] = column("", "name under `denoise`")
    extract: Series[str] = column("", "name under `extract`, or the control oracle")
    spikes: Series[str] = column("", "name under `spikes`")
    source: Series[str] = column(
        "", "what responses are of: true spikes, those inferred, or dF/F", isin=["true", "inferred", "dff"]
    )
    cell: Series[pl.Int32] = column("", "0-based, column roi of the truth", low=0)
    kind: Series[str] = column("", "of its receptive field: simple, complex, normalised, untuned, fitted")
    detectability: Series[pl.Float32] = column("", "d′ of the cell, as in the truth", low=0)
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν of its ROI", low=0, nullable=True)
    true_oracle: Series[pl.Float32] = column("", "oracle correlation that infinitely many images would have")
    oracle: Series[pl.Float32] = column("", "oracle correlation of the repeated images", nullable=True)
    oracle_error: Series[pl.Float32] = column("", "its standard error", low=0, nullable=True)
    oracle_corrected: Series[pl.Float32] = column(
        "", "without what errors of the inference take from it, as in the table of reliability", nullable=True
    )
    explainable: Series[pl.Float32] = column(
        "fraction", "share of the variance of trials that the image explains", nullable=True
    )
    orientation_off: Series[pl.Float32] = column(
        "degrees", "preferred orientation from the true one; empty of untuned cells and other stimuli than gratings",
        low=0, high=90, nullable=True,
    )  # fmt: skip
    orientation_error: Series[pl.Float32] = column("degrees", "standard error of the preferred", low=0, nullable=True)


class EncodingBenchmark(Conditions, key=("session", "plane", "recipe", "source", "model", "cell")):
    """One row per detectable soma that a recipe found, source of its responses, and encoding model fitted to them.

    What the true cell does to an image is over its response to the true best image of the same contrast. Untuned cells
    have no numbers; images are made of some cells only (`encoding.cells`; reliable, sure ones), and of none from dF/F.
    Where most images were shown once, models learn from these alone, and the repeated ones judge them. True spikes and
    dF/F stand once, with the first by name of the recipes that differ in their spike inference alone.
    """

    recipe: Series[str] = column("", "name under `recipes`")
    motion_method: Series[str] = column("", "name under `motion`")
    denoise: Series[str] = column("", "name under `denoise`")
    extract: Series[str] = column("", "name under `extract`, or the control oracle")
    spikes: Series[str] = column("", "name under `spikes`")
    source: Series[str] = column(
        "", "what responses are of: true spikes, those inferred, or dF/F", isin=["true", "inferred", "dff"]
    )
    model: Series[str] = column("", "name under `encode`")
    cell: Series[pl.Int32] = column("", "0-based, column roi of the truth", low=0)
    kind: Series[str] = column("", "of its receptive field: simple, complex, normalised, untuned, fitted")
    detectability: Series[pl.Float32] = column("", "d′ of the cell, as in the truth", low=0)
    noise_level: Series[pl.Float32] = column("% Hz^-1/2", "ν of its ROI", low=0, nullable=True)
    expected_correlation: Series[pl.Float32] = column(
        "", "r with true spikes to expect of the ROI, as its spike inference says", nullable=True
    )
    true_oracle: Series[pl.Float32] = column("", "oracle correlation that infinitely many images would have")
    cc_norm: Series[pl.Float32] = column("", "CCnorm of left-out images by these responses", nullable=True)
    cc_true: Series[pl.Float32] = column("", "r of left-out predictions with the true mean responses", nullable=True)
    mei: Series[pl.Float32] = column("", "true response to the most exciting image", nullable=True)
    gabor: Series[pl.Float32] = column("", "true response to the best Gabor of the model", nullable=True)
    field: Series[pl.Float32] = column("", "true response to the model's receptive field, if it has one", nullable=True)
    best_image: Series[pl.Float32] = column("", "true response to the image with the largest mean", nullable=True)
    position_off: Series[pl.Float32] = column(
        "px of the image", "centre of the most exciting image from the true one", low=0, nullable=True
    )
    orientation_off: Series[pl.Float32] = column(
        "degrees", "orientation that the model prefers from the true one", low=0, high=90, nullable=True
    )


class DenoisingBenchmark(Conditions, key=("session", "plane", "motion_method", "denoise")):
    """One row per plane, motion correction and denoising: the denoised movie, and dF/F of the true footprints.

    `movie_…` is dF/F measured in the denoised movie (of the control without denoising: in the measured one),
    `smoothed_…` the column dff_denoised. Movies without events have false events alone, and what single pixels say.
    """

    motion_method: Series[str] = column("", "name under `motion`")
    denoise: Series[str] = column("", "name under `denoise`")
    null_movie: Series[str] = column("", "kind of a movie without events; empty otherwise", nullable=True)
    rois: Series[pl.Int32] = column("", "true footprints that are scored", low=0)
    events: Series[pl.Int32] = column("", "events in their clean dF/F", low=0)
    rare_events: Series[pl.Int32] = column("", "those of cells with fewer than 3", low=0)
    psnr: Series[pl.Float32] = column("dB", "of the movie, its noise made equal everywhere", nullable=True)
    ssim: Series[pl.Float32] = column("", "structural similarity with the clean movie, likewise", high=1, nullable=True)
    wobble: Series[pl.Float32] = column("", "variance over time of static pixels over that of their noise", low=0)
    border_shift: Series[pl.Float32] = column("px", "RMS jump of static borders between frames", low=0, nullable=True)
    movie_correlation: Series[pl.Float32] = column("", "median r with clean dF/F", low=-1, high=1, nullable=True)
    movie_snr: Series[pl.Float32] = column("", "median SD of clean dF/F over the RMS error", low=0, nullable=True)
    movie_slope: Series[pl.Float32] = column("", "of found on true event amplitudes", nullable=True)
    movie_slope_small: Series[pl.Float32] = column("", "the same of the smaller half of the events", nullable=True)
    movie_slope_large: Series[pl.Float32] = column("", "the same of the larger half", nullable=True)
    movie_slope_rare: Series[pl.Float32] = column("", "the same of cells with fewer than 3 events", nullable=True)
    movie_slope_error: Series[pl.Float32] = column(
        "", "standard error of movie_slope, one ROI left out after the other", low=0, nullable=True
    )
    movie_slope_small_error: Series[pl.Float32] = column(
        "", "standard error of movie_slope_small, one ROI left out after the other", low=0, nullable=True
    )
    movie_slope_large_error: Series[pl.Float32] = column(
        "", "standard error of movie_slope_large, one ROI left out after the other", low=0, nullable=True
    )
    movie_slope_rare_error: Series[pl.Float32] = column(
        "", "standard error of movie_slope_rare, one ROI left out after the other", low=0, nullable=True
    )
    movie_leakage: Series[pl.Float32] = column("", "share of a large event in the 5 frames before it", nullable=True)
    movie_spike_correlation: Series[pl.Float32] = column(
        "", "mean r of inferred with true spikes", low=-1, high=1, nullable=True
    )
    movie_false_events: Series[pl.Float32] = column(
        "per ROI and minute", "above 3 SD of the measured noise where there are none", low=0, nullable=True
    )
    smoothed_correlation: Series[pl.Float32] = column("", "as movie_correlation", low=-1, high=1, nullable=True)
    smoothed_snr: Series[pl.Float32] = column("", "as movie_snr", low=0, nullable=True)
    smoothed_slope: Series[pl.Float32] = column("", "as movie_slope", nullable=True)
    smoothed_slope_small: Series[pl.Float32] = column("", "as movie_slope_small", nullable=True)
    smoothed_slope_large: Series[pl.Float32] = column("", "as movie_slope_large", nullable=True)
    smoothed_slope_rare: Series[pl.Float32] = column("", "as movie_slope_rare", nullable=True)
    smoothed_slope_error: Series[pl.Float32] = column("", "as movie_slope_error", low=0, nullable=True)
    smoothed_slope_small_error: Series[pl.Float32] = column("", "as movie_slope_small_error", low=0, nullable=True)
    smoothed_slope_large_error: Series[pl.Float32] = column("", "as movie_slope_large_error", low=0, nullable=True)
    smoothed_slope_rare_error: Series[pl.Float32] = column("", "as movie_slope_rare_error", low=0, nullable=True)
    smoothed_leakage: Series[pl.Float32] = column("", "as movie_leakage", nullable=True)
    smoothed_spike_correlation: Series[pl.Float32] = column(
        "", "as movie_spike_correlation", low=-1, high=1, nullable=True
    )
    smoothed_false_events: Series[pl.Float32] = column(
        "per ROI and minute", "as movie_false_events", low=0, nullable=True
    )
    clean_spike_correlation: Series[pl.Float32] = column(
        "", "mean r of spikes inferred from clean dF/F", low=-1, high=1, nullable=True
    )
    coverage: Series[pl.Float32] = column(
        "fraction", "of the frames, clean dF/F within the 90 % credible band", low=0, high=1, nullable=True
    )
    coverage_error: Series[pl.Float32] = column("fraction", "standard error over ROIs", low=0, nullable=True)
    coverage_events: Series[pl.Float32] = column(
        "fraction", "the same of each ROI's 3 % of frames with the largest clean dF/F", low=0, high=1, nullable=True
    )
    coverage_events_error: Series[pl.Float32] = column("fraction", "standard error over ROIs", low=0, nullable=True)
    band_width: Series[pl.Float32] = column("fraction", "median over ROIs of its mean width", low=0, nullable=True)
    band_ratio: Series[pl.Float32] = column(
        "", "band_width over that of the best boxcar trace at equal coverage", low=0, nullable=True
    )
    band_ratio_error: Series[pl.Float32] = column(
        "", "standard deviation of that when ROIs are drawn anew (bootstrap)", low=0, nullable=True
    )
    boxcar_window: Series[pl.Int32] = column("frames", "of that boxcar", low=1, nullable=True)
    disagrees: Series[pl.Float32] = column(
        "fraction", "of the ROIs with the flag denoising_disagrees", low=0, high=1, nullable=True
    )


class TrackingBenchmark(Table, key=("subject", "field", "plane", "recipe", "track", "offset_low", "offset_high")):
    """Tracks of simulated fields: one row for all pairs of sessions, then by their axial displacement.

    Counted are pairs of ROIs that are both matched to a true cell (column `roi` of CellBenchmark).
    """

    subject: Series[str] = column("", "sub-…")
    field: Series[str] = column("", "as in the sheet")
    plane: Series[pl.Int32] = column("", "0-based", low=0)
    recipe: Series[str] = column("", "name under `recipes`")
    track: Series[str] = column("", "name under `track`")
    offset_low: Series[pl.Float32] = column("µm", "least axial displacement between the two sessions", low=0)
    offset_high: Series[pl.Float32] = column("µm", "largest; empty: no limit", low=0, nullable=True)
    pairs: Series[pl.Int32] = column("", "pairs of ROIs of one cell", low=0)
    joined: Series[pl.Int32] = column("", "pairs in one track", low=0)
    right: Series[pl.Int32] = column("", "of them of one cell", low=0)
    precision: Series[pl.Float32] = column("", "right over joined", low=0, high=1, nullable=True)
    recall: Series[pl.Float32] = column("", "right over pairs", low=0, high=1, nullable=True)
    f1: Series[pl.Float32] = column("", "harmonic mean of the two", low=0, high=1, nullable=True)
    brier: Series[pl.Float32] = column(
        "", "mean squared error of the probabilities of listed pairs", low=0, high=1, nullable=True
    )
    decile_pairs: Ints = column("", "listed pairs by tenths of their probability")
    decile_right: Ints = column("", "of them of one cell")
    decile_probability: Floats = column("", "sum of their probabilities")
    tracks: Series[pl.Int32] = column(
        "", "cells found in two sessions and more; of all pairs only", low=0, nullable=True
    )
    tracks_whole: Series[pl.Int32] = column(
        "", "of them with all their ROIs in one track and nothing else in it", low=0, nullable=True
    )
