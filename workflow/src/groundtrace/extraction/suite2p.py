"""Detection and extraction with Suite2p 1.1.0: its detection and masks, our binning and reading of the movie."""

import math
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from groundtrace.arrays import FloatArray, Movie
from groundtrace.errors import BackendError
from groundtrace.external.suite2p import PACKAGES, merge_settings, suite2p_session, worker_pool
from groundtrace.extraction.base import Extraction, ExtractionBackend
from groundtrace.indicators import kinetics, kinetics_for
from groundtrace.needs import Need, Size
from groundtrace.notices import notice
from groundtrace.task import Task

if TYPE_CHECKING:
    from groundtrace.extraction.readout import Readout
    from groundtrace.extraction.scene import Scene

SMALLEST_SIDE = 32
"""px; Suite2p's coarsest spatial scale does not fit a smaller field."""
DECAYS_PER_BIN = 3.0
"""Suite2p's recommended time constants (0.7 s for GCaMP6f, 1.25 s for GCaMP6s) are two to three times the decay after
one isolated spike: activity comes in bursts."""
NEUROPIL_COEFFICIENT = 0.7
"""Neuropil coefficient of the trace whose skewness Suite2p's classifier was trained on."""

FEW_BINS = 20
"""Binned frames; with fewer there is hardly a deviation over time to detect by."""

CLOSED = {
    **{f"{name}.": "it is no setting of extraction" for name in ("run", "io", "registration", "dcnv_preprocess")},
    "torch_device": "it is no setting of extraction",
    "tau": "use `bin_duration`",
    "fs": "the sheet or the file gives frame_rate",
    "diameter": "use `diameter_px` or `diameter_um`",
    "detection.algorithm": "detection is Suite2p's default, sparsery",
    "detection.sourcery_settings.": "detection is Suite2p's default, sparsery",
    "detection.denoise": "choose a method of the stage `denoise`",
    "detection.block_size": "choose a method of the stage `denoise`",
    "detection.nbins": "use `max_bins`",
    "detection.bin_size": "use `bin_duration`",
    "detection.threshold_scaling": "use `threshold_scaling`",
    "detection.max_overlap": "use `max_overlap`",
    "detection.sparsery_settings.max_ROIs": "use `max_rois`",
    "detection.sparsery_settings.spatial_scale": "use `spatial_scale`",
    "detection.cellpose_settings.": "Cellpose is not used",
    "detection.cellpose_chan2": "Cellpose is not used",
    "detection.chan2_threshold": "extraction uses the functional channel",
    "classification.": "use `min_probability`, or `own_verdict` for the built-in classifier",
    "extraction.snr_threshold": "no ROI is dropped; rois.parquet and traces.parquet hold what to choose by",
    "extraction.batch_size": "it changes no result",
    "extraction.neuropil_extract": "the neuropil is always measured",
    "extraction.neuropil_coefficient": "use `dff`",
    "extraction.inner_neuropil_radius": "use `inner_neuropil_radius`",
    "extraction.min_neuropil_pixels": "use `min_neuropil_pixels`",
    "extraction.allow_overlap": "use `allow_overlap`",
}


class Suite2pExtraction(ExtractionBackend):
    """ROIs from the temporally binned movie, their mean fluorescence and surrounding neuropil (Suite2p 1.1.0)."""

    environment: ClassVar[str] = "suite2p"
    packages: ClassVar[tuple[str, ...]] = PACKAGES
    need: ClassVar[Need] = Need(1150, pixel=18.5, seconds=10, gigabyte_seconds=9.5)

    backend: Literal["suite2p"] = "suite2p"
    spatial_scale: int | None = Field(default=None, ge=0, le=4)
    """Size of ROIs to look for: 1 to 4 for 6, 12, 24, 48 px; 0 lets Suite2p choose; None takes it from the diameter."""
    threshold_scaling: PositiveFloat = 1.0
    """Detection threshold, relative to Suite2p's: higher finds fewer ROIs."""
    max_rois: PositiveInt = 5000
    """Most ROIs to look for."""
    bin_duration: PositiveFloat | None = None
    """s of movie averaged to one frame for detection; None takes three times the indicator's decay time."""
    max_bins: PositiveInt = 1200
    """Most binned frames: longer bins for longer movies. Above 1200 Suite2p raises its threshold and finds fewer ROIs.
    They decide the peak memory: about 17 bytes x field x bins."""
    max_overlap: float = Field(default=0.75, ge=0, le=1)
    """Fraction; ROIs that share more of their pixels with stronger ones are removed."""
    allow_overlap: bool = False
    """Measure a ROI also in the pixels that it shares with others."""
    inner_neuropil_radius: NonNegativeInt = 2
    """px between a ROI and its neuropil."""
    min_neuropil_pixels: PositiveInt = 350
    """px, smallest size of a neuropil mask."""
    own_verdict: bool = False
    """Accept ROIs to which Suite2p's own classifier gives more than 0.5, whatever their probability here."""
    settings: dict[str, Any] = {}
    """Other settings of Suite2p, nested as there, such as `{detection: {highpass_time: 200}}`."""

    @property
    def reads_indicator(self) -> bool:
        return self.bin_duration is None

    def decides(self) -> bool:
        return self.own_verdict

    def find(self, movie: Movie, scene: "Scene", task: Task) -> Extraction:
        if min(movie.shape[1:]) < SMALLEST_SIDE:
            raise BackendError(
                f"extraction: the field of {movie.shape[1]} x {movie.shape[2]} px is too small for Suite2p; "
                f"it needs at least {SMALLEST_SIDE} px a side"
            )
        good, acquisition = np.flatnonzero(~task.bad_frames), task.acquisition
        bin_size = self.bin_size(len(good), acquisition.frame_rate, acquisition.indicator)
        with suite2p_session(task.scratch, task.threads), worker_pool(task.threads) as pool:
            settings = merge_settings(self.settings, self._own_settings(scene.diameter), CLOSED)
            # Without a name, so that it can be freed.
            stat = detect(bin_movie(movie, good, bin_size, pool), settings)
            if not len(stat):
                bins = round(len(good) / bin_size)
                advice = "lower threshold_scaling and look at the mean image"
                if bins < FEW_BINS:
                    advice = f"{bins} binned frames are too few to detect in: set a shorter bin_duration (s)"
                notice(
                    "no_roi",
                    f"no ROI found in {len(good)} good frames of {acquisition.key} plane {acquisition.plane}; "
                    f"if there should be cells, {advice}",
                )
                return _nothing(len(movie))
            weighting = readout(stat, movie.shape[1:], settings["extraction"])
            fluorescence, neuropil = weighting.measure(movie, pool)
            probability = classify(stat, fluorescence[:, good] - NEUROPIL_COEFFICIENT * neuropil[:, good])
        return Extraction(
            pixel_y=[s["ypix"].astype(np.int32) for s in stat],
            pixel_x=[s["xpix"].astype(np.int32) for s in stat],
            weight=[(s["lam"] / s["lam"].sum()).astype(np.float32) for s in stat],
            classifier_probability=probability,
            accepted=probability > 0.5,
            fluorescence=fluorescence,
            neuropil=neuropil,
            readout=weighting,
        )

    def bin_size(self, good_frames: int, frame_rate: float, indicator: str) -> int:
        """Frames that are averaged for detection."""
        duration = self.bin_duration
        if duration is None:
            duration = DECAYS_PER_BIN * kinetics_for(indicator, "Suite2p's bins need; set bin_duration (s)").decay_time
        return max(1, round(duration * frame_rate), -(-good_frames // self.max_bins))

    def held_frames(self, size: Size, indicator: str) -> float:
        """Detection holds a binned movie."""
        if self.reads_indicator and kinetics(indicator) is None:
            return 1  # it will fail
        return size.frames / self.bin_size(math.ceil(size.frames), size.frame_rate, indicator)

    def _own_settings(self, diameter: float) -> dict[str, Any]:
        scale = self.spatial_scale
        if scale is None:
            # Suite2p's scales are 3 px times a power of two.
            scale = int(np.clip(round(np.log2(diameter / 3)), 1, 4))
        return {
            "diameter": [diameter, diameter],
            "detection": {
                "threshold_scaling": self.threshold_scaling,
                "max_overlap": self.max_overlap,
                "sparsery_settings": {"max_ROIs": self.max_rois, "spatial_scale": scale},
            },
            "extraction": {
                "inner_neuropil_radius": self.inner_neuropil_radius,
                "min_neuropil_pixels": self.min_neuropil_pixels,
                "allow_overlap": self.allow_overlap,
            },
        }


def bin_movie(movie: Movie, good: np.ndarray, bin_size: int, pool: Executor) -> FloatArray:
    """Means of `bin_size` good frames each, (bins, height, width) float32; a rest of less than half a bin is left out.

    Suite2p's own loses the rest of every 500 frames, and takes bad frames where most are bad.
    """
    bins = len(good) // bin_size + (len(good) % bin_size * 2 >= bin_size)
    binned = np.empty((bins, *movie.shape[1:]), np.float32)

    def fill(number: int) -> None:
        frames = good[number * bin_size : (number + 1) * bin_size]
        total = np.zeros(movie.shape[1:], np.float64 if movie.dtype.itemsize > 2 else np.int64)
        for frame in frames:
            total += movie[frame]
        np.divide(total, len(frames), out=binned[number], casting="unsafe")

    list(pool.map(fill, range(bins)))
    # A pixel that never changes has no standard deviation to be divided by; rounding would become its activity.
    still = np.ones(movie.shape[1:], bool)
    for image in binned:
        still &= image == binned[0]
    binned[:, still] = 0
    return binned


def detect(binned: FloatArray, settings: dict[str, Any]) -> np.ndarray:
    """Suite2p's ROIs in a binned movie, as its array of dicts, best first; empty when there is none."""
    from suite2p.detection import sparsedetect, stats, utils

    from groundtrace.extraction.footprints import overlaps

    field, detection = binned.shape[1:], settings["detection"]
    if len(binned) < 2:
        return np.array([])
    binned = utils.temporal_high_pass_filter(mov=binned, width=detection["highpass_time"])
    deviation = utils.standard_deviation_over_time(binned, batch_size=1000)
    sparsery, held = detection["sparsery_settings"], [binned]
    # Handed over without a name, and named one by one (a dict of arguments would hold them), so that it can be freed.
    del binned
    found = sparsedetect.sparsery(
        held.pop(),
        deviation,
        sparsery["highpass_neuropil"],
        sparsery["spatial_scale"],
        detection["threshold_scaling"],
        sparsery["max_ROIs"],
        sparsery["active_percentile"],
    )[1]
    if not len(found):
        return np.array([])
    found = stats.roi_stats(
        np.array(found),
        *field,
        diameter=settings["diameter"],
        max_overlap=detection["max_overlap"],
        do_soma_crop=detection["soma_crop"],
        npix_norm_min=detection["npix_norm_min"],
        npix_norm_max=detection["npix_norm_max"],
    )
    shared = overlaps([s["ypix"] for s in found], [s["xpix"] for s in found], (field[0], field[1]))
    for stat, overlap in zip(found, shared, strict=True):
        stat["overlap"] = overlap
    return found


def readout(stat: np.ndarray, shape: tuple[int, int], settings: dict[str, Any]) -> "Readout":
    """Weighted mean of each ROI's pixels, mean of its neuropil's."""
    from suite2p.extraction import masks

    from groundtrace.extraction.readout import Readout
    from groundtrace.sparse import sparse_rows

    height, width = shape
    cells, neuropils = masks.create_masks(
        stat,
        height,
        width,
        lam_percentile=settings["lam_percentile"],
        allow_overlap=settings["allow_overlap"],
        inner_neuropil_radius=settings["inner_neuropil_radius"],
        min_neuropil_pixels=settings["min_neuropil_pixels"],
        circular_neuropil=settings["circular_neuropil"],
    )
    assert neuropils is not None
    # A ROI that shares all its pixels has none of its own left: measured in all of them.
    cells = [
        cell if len(cell[0]) else masks.create_cell_mask(s, height, width, allow_overlap=True)
        for cell, s in zip(cells, stat, strict=True)
    ]
    around = [(pixels, np.full(len(pixels), 1 / max(1, len(pixels)))) for pixels in neuropils]
    return Readout(sparse_rows(cells, height * width), sparse_rows(around, height * width))


def classify(stat: np.ndarray, corrected: FloatArray) -> FloatArray:
    """(rois,) probability of being a cell, by Suite2p's built-in classifier. corrected: (rois, good frames)."""
    from suite2p.classification import builtin_classfile
    from suite2p.classification import classify as suite2p_classify

    from groundtrace.extraction.footprints import skewness

    for s, trace in zip(stat, corrected, strict=True):
        s["skew"] = skewness(trace) or 0.0
    return suite2p_classify(stat=stat, classfile=builtin_classfile)[:, 1].astype(np.float32)


def _nothing(frames: int) -> Extraction:
    empty = np.zeros((0, frames), np.float32)
    return Extraction([], [], [], np.zeros(0, np.float32), np.zeros(0, bool), empty, empty)
