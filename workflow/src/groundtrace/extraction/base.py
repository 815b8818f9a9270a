"""What every extraction backend promises."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import Field, PositiveFloat

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import InputError
from groundtrace.section import Backend
from groundtrace.task import Task

if TYPE_CHECKING:
    import polars as pl

    from groundtrace.extraction.readout import Readout
    from groundtrace.extraction.scene import Scene
    from groundtrace.extraction.search import Survey
    from groundtrace.extraction.statistics import Statistics


Footprint = tuple[IntArray, IntArray, FloatArray]
"""Rows, columns and weights of a ROI's pixels."""


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
class Given:
    """Where ROIs come from that were not searched for."""

    file: str
    """Its name."""
    names: list[str]
    """Of each ROI in it."""
    shift: tuple[int, int] | None = None
    """(y, x) px by which they were moved onto this recording; None where there is nothing to tell it by."""
    likeness: float | None = None
    """Correlation of the two mean images after it."""
    notes: tuple[str, ...] = ()
    """`what was found; what to do`, one sentence each."""


@dataclass(frozen=True)
class Extraction:
    """ROIs as sparse footprints, and their fluorescence."""

    pixel_y: list[IntArray]
    """Per ROI, rows of its pixels."""
    pixel_x: list[IntArray]
    """Per ROI, columns of its pixels."""
    weight: list[FloatArray]
    """Per ROI, weights of its pixels, sum 1."""
    classifier_probability: FloatArray | None
    """(n_rois,) of being a cell, by the backend's classifier; None when it has none."""
    accepted: BoolArray
    """(n_rois,) counts as a cell; before judgement, by the backend itself."""
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
    visible: BoolArray | None = None
    """(n_rois,) a cell of the mean image that does not fire; None for none."""
    survey: "Survey | None" = None
    """The survey that found the ROIs, where the backend made one."""
    judge: "Judge | None" = None
    """Judge of how probable ROIs are; None for the model of somata that all backends share."""
    kind: str = "active"
    """Kind of the ROIs that fire, in the table Rois."""
    judgement: "Judgement | None" = None
    given: Given | None = None
    """Where the ROIs come from; None when they were searched for."""
    # Of recipes that denoise.
    denoised: Denoised | None = None


class Judge(Protocol):
    """Tells from their statistics how probable ROIs are."""

    def probability(self, statistics: "Statistics") -> FloatArray:
        """(n_rois,)"""
        ...

    def reasons(self, statistics: "Statistics") -> list[str]:
        """What counts most against each ROI."""
        ...


@dataclass(frozen=True)
class Judgement:
    """What groundtrace says of the ROIs of any backend, and of the movie they come from."""

    cell_probability: FloatArray
    """(n_rois,) of being a cell; NaN for visible ones."""
    reasons: list[str]
    """Why a ROI is not accepted; empty where it is."""
    statistics: "Statistics"
    images: dict[str, FloatArray]
    """(Y, X) each: mean, maximum, deviation, correlation, energy, peak_to_noise."""
    quality: "pl.DataFrame"
    """Table ExtractionQuality."""


class ExtractionBackend(Backend):
    """Finds ROIs in a registered movie and measures them."""

    diameter_px: PositiveFloat | None = None
    """px, of a cell; None takes diameter_um, or else 12 µm where the pixel size is known, unless the movie shows cells
    of clearly another size, and the size that the movie shows where it is not."""
    diameter_um: PositiveFloat | None = None
    """µm, of a cell, instead of diameter_px; needs the pixel size."""
    min_probability: float = Field(default=0.3, ge=0, le=1)
    """ROIs whose probability of being a cell is at least that are accepted."""

    def run(self, movie: Movie, task: Task, measured: Movie | None = None) -> Extraction:
        """Find ROIs in `movie` (T, Y, X, registered, read-only), measure them in every frame, and judge them.

        They are judged by `measured`, the movie that a denoised one was made from; None when it is the same.

        Bad frames are left out of detection, not of the traces. No ROI is a valid answer: an Extraction of length zero,
        and a warning.
        """
        from groundtrace.extraction.extract import extract

        return extract(self, movie, task, movie if measured is None else measured)

    @abstractmethod
    def find(self, movie: Movie, scene: "Scene", task: Task) -> Extraction:
        """The ROIs and their traces in `movie`; `accepted` as the backend itself sees it.

        scene: what the movie shows in units of its noise; of recipes that denoise, the measured one.
        """

    def decides(self) -> bool:
        """Whether the backend's own verdict counts, not the probability."""
        return False

    @property
    def reads_indicator(self) -> bool:
        """Whether its result depends on the acquisition's indicator."""
        return True

    @property
    def reads_rois(self) -> bool:
        """Whether it measures the ROIs that the sheet's column `rois` names."""
        return False

    @property
    def takes_background(self) -> bool:
        """Whether it takes out light from out of focus, as one-photon movies have."""
        return False

    def diameter(self, acquisition: Acquisition) -> float | None:
        """px, as set here; None when nothing is set."""
        if self.diameter_um is None:
            return self.diameter_px
        if acquisition.pixel_size is None:
            raise InputError(
                f"{acquisition.key}: diameter_um is set, but the pixel size is not known; fill the column pixel_size "
                "(µm) of the sheet, or use diameter_px"
            )
        return self.diameter_um / acquisition.pixel_size
