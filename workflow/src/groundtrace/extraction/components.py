"""What the CaImAn backends share: cell size, quality of components, and their traces measured in the movie."""

from abc import abstractmethod
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveFloat

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import BackendError
from groundtrace.external.caiman import PACKAGES, caiman_session, map_pixels, parameters
from groundtrace.extraction.base import Extraction, ExtractionBackend
from groundtrace.indicators import kinetics_for
from groundtrace.needs import Need
from groundtrace.notices import notice
from groundtrace.task import Task

if TYPE_CHECKING:
    from groundtrace.extraction.scene import Scene

FEWEST_FRAMES = 50
"""Good frames; with fewer neither noise nor activity can be told."""
LARGEST_SNR = 38.0
"""CaImAn takes it from a probability, which no longer differs from zero beyond."""
RING = (2, 350)
"""px between a ROI and its neuropil, and the least pixels of it, as Suite2p has them by default."""
CORE = 0.2
CHUNK_BYTES = 64 << 20

CLOSED = {
    **{f"{group}.": "it is no setting of extraction" for group in ("motion",)},
    "data.": "the sheet, the file and `decay_time` say it",
    "init.gSig": "use `diameter_px` or `diameter_um`",
    "init.gSiz": "use `diameter_px` or `diameter_um`",
    "init.seed_method": "nobody is there to click",
    "init.method_init": "choose another backend",
    "init.center_psf": "choose another backend",
    "merging.merge_thr": "use `merge_correlation`",
    "preprocess.p": "use `autoregression`",
    "temporal.p": "use `autoregression`",
    "preprocess.n_pixels_per_process": "it changes no result",
    "spatial.n_pixels_per_process": "it changes no result",
    "patch.n_processes": "it changes no result",
    "spatial.method_ls": "use `regression`",
    "quality.min_SNR": "use `min_snr`",
    "quality.rval_thr": "use `min_space_correlation`",
    "quality.use_cnn": "CaImAn's neural networks are not used",
    "quality.min_cnn_thr": "CaImAn's neural networks are not used",
    "quality.cnn_lowest": "CaImAn's neural networks are not used",
    "online.sniper_mode": "CaImAn's neural networks are not used",
    "online.test_both": "CaImAn's neural networks are not used",
    "online.ring_CNN": "CaImAn's neural networks are not used",
    "online.path_to_model": "CaImAn's neural networks are not used",
}


@dataclass(frozen=True)
class Components:
    """What CaImAn found in the good frames. The model of the movie is footprints x calcium + background."""

    footprints: Any
    """Sparse by columns, (pixels, components), pixels row by row."""
    calcium: FloatArray
    """(components, good frames), denoised; light is footprint times calcium."""
    activity: FloatArray
    """(components, good frames), deconvolved."""
    snr: FloatArray
    """(components,) peak of the trace over its noise, over the length of a transient."""
    space_correlation: FloatArray
    """(components,) of the footprint with the movie while the component is active."""
    accepted: BoolArray


class CaimanExtraction(ExtractionBackend):
    """Fields and steps of every CaImAn backend."""

    environment: ClassVar[str] = "caiman"
    packages: ClassVar[tuple[str, ...]] = PACKAGES
    need: ClassVar[Need] = Need(1000, gigabyte=2500, seconds=10, gigabyte_seconds=500)

    merge_correlation: float = Field(default=0.85, gt=0, le=1)
    """Components whose traces correlate more, and that overlap, become one."""
    regression: Literal["lasso_lars", "nnls_L0"] = "lasso_lars"
    """How footprints are fitted: sparse regression, or non-negative least squares with few components, which takes a
    quarter of the time or less and loses cells where they are dense."""
    autoregression: int = Field(default=1, ge=0, le=2)
    """Order of the model of calcium: 1 decays, 2 rises too, 0 does not deconvolve."""
    decay_time: PositiveFloat | None = None
    """s, length of a typical transient, by which components are judged; None takes the indicator's decay time."""
    min_snr: float = Field(default=2.0, ge=0)
    """Components whose peak is this often above the noise are accepted by CaImAn ..."""
    min_space_correlation: float = Field(default=0.85, ge=-1, le=1)
    """... and those that the active movie looks like; either is enough, as in CaImAn without its classifier."""
    own_verdict: bool = False
    """Accept the components that CaImAn accepts by the two above, whatever their probability here."""
    settings: dict[str, Any] = {}
    """Other settings of CaImAn, nested by its groups, such as `{spatial: {nrgthr: 0.999}}`."""

    @property
    def reads_indicator(self) -> bool:
        return self.decay_time is None

    def decides(self) -> bool:
        return self.own_verdict

    def find(self, movie: Movie, scene: "Scene", task: Task) -> Extraction:
        good, acquisition = np.flatnonzero(~task.bad_frames), task.acquisition
        where = f"{len(good)} good frames of {acquisition.key} plane {acquisition.plane}"
        if len(good) < FEWEST_FRAMES:
            raise BackendError(f"extraction: {where} are too few for CaImAn; it needs {FEWEST_FRAMES}")
        diameter, shape = scene.diameter, (len(good), *movie.shape[1:])
        with caiman_session(task.scratch, task.threads) as processes:
            settings = parameters(self.settings, self._settings(diameter, acquisition, shape), self._closed())
            components = None
            low, high = _range(movie, good)
            if low < high:
                found = self._fit(map_pixels(movie, good, low, task.scratch), settings, processes)
                components = found and _judged(found, movie.shape)
        if components is None:
            notice("no_roi", f"no ROI found in {where}; {self._advice()}")
            return _nothing(len(movie))
        return measure(movie, components, good)

    @abstractmethod
    def _fit(self, path: Path, settings: Any, processes: Pool) -> Any:
        """CaImAn's Estimates of the mapped movie, evaluated; None when no component is accepted."""

    @abstractmethod
    def _settings(self, diameter: float, acquisition: Acquisition, shape: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        """Our settings, nested by CaImAn's groups."""

    @abstractmethod
    def _advice(self) -> str:
        """What to try when there should be cells."""

    def _closed(self) -> dict[str, str]:
        return CLOSED

    def _shared(self, acquisition: Acquisition, shape: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        """Settings of every backend."""
        decay = self.decay_time
        if decay is None:
            decay = kinetics_for(acquisition.indicator, "CaImAn needs; set decay_time (s)").decay_time
        # The pixels of one task: a fixed number, or CaImAn takes it from the memory that happens to be free.
        tasks = {"n_pixels_per_process": 4000}
        return {
            "data": {"fr": acquisition.frame_rate, "decay_time": decay, "dims": shape[1:]},
            "preprocess": {"p": self.autoregression} | tasks,
            "spatial": {"method_ls": self.regression} | tasks,
            "temporal": {"p": self.autoregression, "bas_nonneg": True},
            "merging": {"merge_thr": self.merge_correlation},
            "quality": {"min_SNR": self.min_snr, "rval_thr": self.min_space_correlation, "use_cnn": False},
        }


def nested(*parts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Settings of several origins, the later over the earlier."""
    merged: dict[str, dict[str, Any]] = {}
    for part in parts:
        for group, values in part.items():
            merged[group] = merged.get(group, {}) | values
    return merged


def load(path: Path) -> np.ndarray:
    """A mapped movie as CaImAn takes it: (T, Y, X), a memory map."""
    from caiman.mmapping import load_memmap  # pyright: ignore[reportMissingImports]

    pixels, dims, frames = load_memmap(str(path))
    return np.reshape(pixels.T, (frames, *dims), order="F")


def keep_accepted(model: Any, images: np.ndarray, processes: Pool) -> bool:
    """Evaluate the components of a CaImAn model and drop those rejected; whether any is left.

    CaImAn finds the number of components that it is told to look for, in noise too.
    """
    found = model.estimates
    if not found.A.shape[1]:
        return False
    found.evaluate_components(images, model.params, dview=processes)
    # Not `use_object`: a second selection, which refit makes, would then fail.
    found.select_components(found.idx_components, save_discarded_components=False)
    found.idx_components = None
    return bool(found.A.shape[1])


def _range(movie: Movie, good: IntArray) -> tuple[int, int]:
    """Least and largest value, or equal ones where no pixel changes: in a constant movie CaImAn finds phantoms."""
    first = movie[good[0]]
    changes, low, high = False, first.min(), first.max()
    for number in good[1:]:
        frame = movie[number]
        changes |= not np.array_equal(frame, first)
        low, high = min(low, frame.min()), max(high, frame.max())
    return int(low), int(high) if changes else int(low)


def _judged(found: Any, shape: tuple[int, ...]) -> Components:
    """CaImAn's Estimates as ours: pixels row by row, empty footprints left out."""
    from scipy import sparse

    height, width = shape[1:]
    row_by_row = np.arange(height * width).reshape(width, height).T.ravel()
    footprints: Any = sparse.csc_array(sparse.csr_array(found.A)[row_by_row]).astype(np.float64)
    footprints.eliminate_zeros()
    footprints.sort_indices()
    kept = np.flatnonzero(np.diff(footprints.indptr))
    every = np.arange(footprints.shape[1])
    # CaImAn has no list after a selection: all that are left were accepted.
    accepted = np.isin(every, every if found.idx_components is None else found.idx_components)
    return Components(
        footprints[:, kept],
        np.asarray(found.C, np.float64)[kept],
        np.asarray(found.S, np.float64)[kept],
        np.minimum(found.SNR_comp, LARGEST_SNR)[kept],
        np.asarray(found.r_values)[kept],
        accepted[kept],
    )


def measure(movie: Movie, found: Components, good: IntArray) -> Extraction:
    """Fluorescence in every frame, in detector units, so that it means what it means after any other backend.

    With w the footprint with sum 1, F = w (movie - light of the other components): all light of the ROI, demixed, with
    its resting light and background, which CaImAn does not tell apart. Fneu = mean of (movie - light of all components)
    in a ring around the ROI without the pixels of any. F - r Fneu and its baseline then hold the cell's own resting
    light, by which dF/F divides; CaImAn's background under the footprint would hold it too, and take it away.
    In frames that CaImAn has not seen, the light of the components is interpolated.
    """
    from scipy import sparse

    frames, height, width = movie.shape
    footprints = found.footprints
    count = footprints.shape[1]
    weights: Any = sparse.csr_array(footprints.T / np.asarray(footprints.sum(axis=0)).reshape(-1, 1))
    rings = _rings(footprints, (height, width))
    measured = _project(sparse.vstack([weights, rings], format="csr"), movie)
    every = np.arange(frames)
    calcium = np.stack([np.interp(every, good, trace) for trace in found.calcium])
    shared = (weights @ footprints).toarray()
    own = np.diagonal(shared)
    fluorescence = measured[:count] - (shared - np.diag(own)) @ calcium
    neuropil = measured[count:] - (rings @ footprints) @ calcium
    activity = np.zeros((count, frames), np.float32)
    activity[:, good] = own[:, None] * found.activity
    places = [np.unravel_index(weights.indices[a:b], (height, width)) for a, b in _spans(weights.indptr)]
    return Extraction(
        pixel_y=[rows.astype(np.int32) for rows, _ in places],
        pixel_x=[columns.astype(np.int32) for _, columns in places],
        weight=[weights.data[a:b].astype(np.float32) for a, b in _spans(weights.indptr)],
        classifier_probability=None,
        accepted=found.accepted,
        fluorescence=fluorescence.astype(np.float32),
        neuropil=neuropil.astype(np.float32),
        snr=found.snr.astype(np.float32),
        space_correlation=found.space_correlation.astype(np.float32),
        calcium=(own[:, None] * calcium).astype(np.float32),
        activity=activity,
    )


def _spans(ends: IntArray) -> list[tuple[int, int]]:
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _rings(footprints: Any, field: tuple[int, int]) -> Any:
    """Sparse (components, pixels): the mean over the nearest pixels beyond a gap around each ROI that are of no ROI.

    Of a ROI are the pixels above CORE of the largest weight: faint tails would claim most of a dense field.
    """
    from scipy import ndimage, sparse

    gap, least = RING
    cores = []
    for start, end in _spans(footprints.indptr):
        weight = footprints.data[start:end]
        core = np.zeros(field, bool)
        core.flat[footprints.indices[start:end][weight > CORE * weight.max()]] = True
        cores.append(core)
    free = ~np.any(cores, axis=0)
    free = free if free.sum() >= least else np.ones(field, bool)
    rows = []
    for core in cores:
        distance: Any = ndimage.distance_transform_edt(~core)
        distance[~free | (distance <= gap)] = np.inf
        chosen = np.sort(np.argsort(distance, axis=None, kind="stable")[:least])
        rows.append(chosen[np.isfinite(distance.ravel()[chosen])])
    ends = np.cumsum([0, *(len(row) for row in rows)])
    data = np.concatenate([np.full(len(row), 1 / max(1, len(row))) for row in rows])
    return sparse.csr_array((data, np.concatenate(rows), ends), shape=(len(rows), field[0] * field[1]))


def _project(weights: Any, movie: Movie) -> FloatArray:
    """(rows, frames): weighted sums of the pixels of every frame."""
    frames, height, width = movie.shape
    traces = np.empty((weights.shape[0], frames))
    step = max(1, CHUNK_BYTES // (8 * height * width))
    for start in range(0, frames, step):
        block = movie[start : start + step].reshape(-1, height * width)
        traces[:, start : start + step] = weights @ block.T.astype(np.float64)
    return traces


def _nothing(frames: int) -> Extraction:
    empty = np.zeros((0, frames), np.float32)
    none = np.zeros(0, np.float32)
    return Extraction([], [], [], None, np.zeros(0, bool), empty, empty, none, none, empty, empty)
