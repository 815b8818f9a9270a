"""What every extraction backend promises."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.section import Backend


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
