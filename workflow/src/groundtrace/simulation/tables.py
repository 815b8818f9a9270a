"""Tables of what is true of a simulated recording."""

import polars as pl

from groundtrace.tables import Floats, Ints, Series, Table, Times, column


class TruthCells(Table, version=2, key=("plane", "roi")):
    """One row per cell of a simulated recording: what an extraction and a spike inference should find."""

    plane: Series[pl.Int32] = column("", "0-based", low=0)
    roi: Series[pl.Int32] = column("", "0-based cell of this plane", low=0)
    identity: Series[pl.Int32] = column("", "cell of the tissue: the same in all sessions of a field", low=0)
    kind: Series[str] = column("", "soma, or dendrite: an apical dendrite that crosses the plane")
    depth: Series[pl.Float32] = column("µm", "of the soma's centre below the plane, negative above; 0 of a dendrite")
    pixel_y: Ints = column("px", "rows of the cell's pixels where the tissue is not displaced")
    pixel_x: Ints = column("px", "columns of the cell's pixels")
    weight: Floats = column("", "share of the cell's light per pixel, sum 1; mean over the recording")
    brightness: Series[pl.Float32] = column("photons per frame", "light of the resting cell, all pixels", low=0)
    detectability: Series[pl.Float32] = column(
        "", "d': strongest second of activity over the photon noise of the best read-out", low=0
    )
    rate: Series[pl.Float32] = column("Hz", "mean rate that the spikes were drawn with", low=0)
    spikes: Series[pl.Int32] = column("", "spikes during the recording", low=0)
    spike_times: Times = column("s", "from the first frame, sorted; negative ones still show in the first frames")
    loading: Floats = column("", "on the population's shared states; the product of two cells' is their covariance")
    calcium: Floats = column("fraction", "dF/F without noise at the times frame / frame_rate")


class TruthShifts(Table, version=2, key=("plane", "frame")):
    """One row per frame of a simulated recording: where the tissue was.

    registered[t, p] = raw[t, p + u] with u = (y, x) + (row_y, row_x) of the raw row + the nonrigid part there.
    """

    plane: Series[pl.Int32] = column("", "0-based", low=0)
    frame: Series[pl.Int32] = column("", "0-based frame of this plane", low=0)
    y: Series[pl.Float32] = column("px", "displacement of the frame's content, mean over its rows, positive down")
    x: Series[pl.Float32] = column("px", "displacement of the frame's content, mean over its rows, positive right")
    z: Series[pl.Float32] = column("µm", "by how much the imaged section is deeper than the plane")
    row_y: Floats = column("px", "displacement of each row of the raw frame beyond y: lines are scanned one by one")
    row_x: Floats = column("px", "displacement of each row beyond x; with the offset of odd lines")
    node_y: Floats = column(
        "px", "displacement beyond those at a square grid of points from edge to edge, row by row; empty when rigid"
    )
    node_x: Floats = column("px", "displacement beyond those at the same points")
    moving: Series[bool] = column("", "the animal runs")
    dropped: Series[bool] = column("", "lost: the file repeats the frame before")


class TruthSections(Table, key=("plane", "roi", "z")):
    """One row per cell and section: footprints at each axial position. Empty without axial motion."""

    plane: Series[pl.Int32] = column("", "0-based", low=0)
    roi: Series[pl.Int32] = column("", "cell of TruthCells", low=0)
    z: Series[pl.Float32] = column("µm", "of the section, as in TruthShifts; footprints between two are interpolated")
    pixel_y: Ints = column("px", "rows of the cell's pixels where the tissue is not displaced")
    pixel_x: Ints = column("px", "columns of the cell's pixels")
    weight: Floats = column("photons per frame", "light of the resting cell per pixel")


class TruthEvents(Table):
    """One row per event of astrocytes of a simulated recording. Empty without astrocytes."""

    plane: Series[pl.Int32] = column("", "0-based", low=0)
    start_time: Series[pl.Float32] = column("s", "the mean dF/F of its area rises through half of its peak")
    duration: Series[pl.Float32] = column("s", "until it falls through half of its peak", low=0)
    peak: Series[pl.Float32] = column("fraction", "largest mean dF/F of its area", low=0)
    area: Series[pl.Float32] = column("µm²", "where its light reaches half of its largest", low=0)
    speed: Series[pl.Float32] = column("µm/s", "at which its front moves away from where it begins", low=0)
    y: Series[pl.Float32] = column("px", "row of its centroid, where the tissue is not displaced")
    x: Series[pl.Float32] = column("px", "column of its centroid")
    cut: Series[bool] = column("", "a part of its area is outside the field")
    pixel_y: Ints = column("px", "rows of its pixels inside the field")
    pixel_x: Ints = column("px", "columns of its pixels")
    onset: Floats = column("s", "when each pixel rises through half of its peak")


class SimulatedStimuli(Table):
    """One row per presentation: a file of stimuli as the sheet names one. Empty without a stimulus."""

    start_time: Series[pl.Float64] = column("s", "since the first frame", low=0)
    stop_time: Series[pl.Float64] = column("s", "since the first frame", low=0)
    stimulus: Series[str] = column("", "patches, dead_leaves or gratings")
    image: Series[str] = column("", "its position in the stack of images, from 0")
    orientation: Series[pl.Float64] = column(
        "degrees", "of gratings: from the x axis towards y, of the direction in which the light changes", nullable=True
    )
    spatial_frequency: Series[pl.Float64] = column("cycles per px", "of gratings", nullable=True)
    phase: Series[pl.Float64] = column("degrees", "of gratings, in the middle of the image", nullable=True)


class TruthResponses(Table, key=("plane", "roi")):
    """One row per cell of a simulated recording with a stimulus: what drives it. Empty without a stimulus."""

    plane: Series[pl.Int32] = column("", "0-based", low=0)
    roi: Series[pl.Int32] = column("", "cell of TruthCells", low=0)
    kind: Series[str] = column(
        "",
        "simple: rectified Gabor; complex: energy of two Gabors; normalised: simple, divided by the contrast around; "
        "untuned: the same to all images; fitted: of a network that was fitted to real neurons",
        isin=["simple", "complex", "normalised", "untuned", "fitted"],
    )
    y: Series[pl.Float32] = column("px of the image", "centre of the receptive field, from the top")
    x: Series[pl.Float32] = column("px of the image", "centre of the receptive field, from the left")
    orientation: Series[pl.Float32] = column(
        "degrees", "from the x axis towards y, of the direction in which the light changes", low=0, high=180
    )
    frequency: Series[pl.Float32] = column(
        "cycles per px", "spatial frequency; empty of fitted cells", low=0, nullable=True
    )
    size: Series[pl.Float32] = column(
        "px", "standard deviation of the envelope across the bars; empty of fitted cells", low=0, nullable=True
    )
    aspect: Series[pl.Float32] = column(
        "", "envelope along the bars over that across them; empty of fitted cells", low=0, nullable=True
    )
    phase: Series[pl.Float32] = column(
        "degrees", "of the Gabor in its centre; empty of fitted cells", low=0, high=360, nullable=True
    )
    gain: Series[pl.Float32] = column("spikes", "in a window, per unit of drive", low=0)
    baseline: Series[pl.Float32] = column("spikes", "in a window, without any drive", low=0)
    neuron: Series[pl.Int32] = column("", "of the network, 0-based; empty of other cells", low=0, nullable=True)
    response: Floats = column("spikes", "mean in the window of each image, in the order of images")
    deviation: Floats = column("spikes", "standard deviation over the presentations of each image")
    oracle: Series[pl.Float32] = column(
        "", "oracle correlation over the repeated images that infinitely many would have", nullable=True
    )
