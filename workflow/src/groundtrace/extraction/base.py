"""What every extraction backend promises."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.section import Backend

if TYPE_CHECKING:
    from groundtrace.extraction.readout import Readout


@dataclass(frozen=True)
class Denoised:
    """Beside what was measured: the same read-outs of the denoised movie, and how noisy the measured ones are."""

    fluorescence: FloatArray
    """(n_rois, n_frames) float32, detector units."""
    neuropil: FloatArray
    """(n_rois, n_frames) float32, detector units."""
    fluorescence_noise: FloatArray
    """(n_rois,) variance per frame of measured F where the movie has its mean brightness, detector units squared."""
    neuropil_noise: FloatArray
    """(n_rois,) of measured Fneu."""
    dark: float
    """Detector units; the noise variance of a read-out is proportional to its brightness above it."""


@dataclass(frozen=True)
class Extraction:
    """ROIs as sparse footprints, and their fluorescence."""

    pixel_y: list[IntArray]
    """Per ROI, rows of its pixels."""
    pixel_x: list[IntArray]
    """Per ROI, columns of its pixels."""
    weight: list[FloatArray]
    """Per ROI, weights of its pixels, sum 1."""
    cell_probability: FloatArray | None
    """(n_rois,) of being a cell, by the backend's classifier; None when it has none."""
    accepted: BoolArray
    """(n_rois,) counts as a cell."""
    fluorescence: FloatArray
    """(n_rois, n_frames) float32, detector units."""
    neuropil: FloatArray
    """(n_rois, n_frames) float32, detector units."""
    # Of backends that model the movie; None for the others.
    snr: FloatArray | None = None
    """(n_rois,) peak of the ROI's trace over its noise."""
    space_correlation: FloatArray | None = None
    """(n_rois,) of the footprint with the movie while the ROI is active."""
    calcium: FloatArray | None = None
    """(n_rois, n_frames) float32, denoised light of the ROI without its background, detector units."""
    activity: FloatArray | None = None
    """(n_rois, n_frames) float32, deconvolved from `calcium`, detector units."""
    readout: "Readout | None" = None
    """How `fluorescence` and `neuropil` were measured; None when by more than a weighting of pixels."""
    # Of recipes that denoise.
    denoised: Denoised | None = None


class ExtractionBackend(Backend):
    """Finds ROIs in a registered movie and measures them."""

    @abstractmethod
    def run(
        self, movie: Movie, bad_frames: BoolArray, acquisition: Acquisition, scratch: Path, threads: int
    ) -> Extraction:
        """Find ROIs in `movie` (T, Y, X, registered, read-only) and measure their traces in every frame.

        `bad_frames` (n_frames,) are left out of detection, not of the traces. `scratch` is an empty folder that is
        deleted afterwards. No ROI is a valid answer: an Extraction of length zero, and a warning.
        """
