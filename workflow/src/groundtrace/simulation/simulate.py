"""A two-photon recording whose truth is known, from a row of the sample sheet.

Every random draw comes from the seed and the session's key; nothing depends on time or on the number of threads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import convolve1d
from threadpoolctl import threadpool_limits

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.indicators import Indicator, indicators
from groundtrace.io import atomic
from groundtrace.sessions import Session
from groundtrace.simulation.activity import calcium_trace, spike_trains
from groundtrace.simulation.detector import DTYPE, detect
from groundtrace.simulation.motion import NODES, Motion, View, brain_motion, margin
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.processes import fluctuations, stream
from groundtrace.simulation.scanimage import Layout, write_scanimage
from groundtrace.simulation.tissue import Tissue, grow
from groundtrace.simulation.truth import PlaneTruth, Truth

PIXEL_SIZE = 1.0
"""µm, when the sheet gives none."""
AMPLITUDE_SPREAD = 0.3
"""Standard deviation over cells of the logarithm of the response to a spike."""
SHARED_NEUROPIL = 0.5
"""Share of the variance of the neuropil's activity that follows the cells around."""
CHUNK_BYTES = 32 * 2**20
"""Neuropil is rendered for as many frames at once as fit."""


@dataclass(frozen=True)
class Plane:
    """One plane, ready to be rendered frame by frame."""

    parameters: Simulation
    view: View
    tissue: Tissue
    rates: FloatArray
    spike_times: list[FloatArray]
    calcium: FloatArray
    """(n_cells, n_frames) of all cells, also those beyond the field."""
    neuropil: FloatArray
    """(n_frames, modes)."""
    motion: Motion
    bleaching: FloatArray
    """(n_frames,) fluorescence left."""
    scale: float
    """Photons per unit of brightness."""

    def expected(self) -> Iterator[FloatArray]:
        """Each frame without noise: photons per pixel, (height, width) float32."""
        tissue, frames = self.tissue, self.parameters.frames
        resting = tissue.static + tissue.footprints.sum(axis=1)
        activity = np.ascontiguousarray(self.calcium.T)
        step = max(1, CHUNK_BYTES // (4 * tissue.static.size))
        for start in range(0, frames, step):
            scenes = self.neuropil[start : start + step] @ tissue.neuropil
            for frame, scene in enumerate(scenes, start):
                scene += resting
                scene += tissue.footprints @ activity[frame]
                image = self._displaced(scene.reshape(tissue.shape), frame)
                image *= np.float32(self.scale * self.bleaching[frame])
                yield np.maximum(image, 0, out=image)

    def _displaced(self, scene: FloatArray, frame: int) -> FloatArray:
        if self.motion.nodes is None:
            return self.view.rigid(scene, self.motion.shifts[frame])
        return self.view.warped(scene, self.motion.shifts[frame], self.motion.nodes[frame])

    def mean(self) -> FloatArray:
        """Mean expected photons without displacement: (height, width)."""
        mean = self.tissue.static + self.tissue.footprints @ (1 + self.calcium.mean(axis=1))
        return self.view.rigid(mean.reshape(self.tissue.shape), np.zeros(2)) * self.scale * self.bleaching.mean()

    def truth(self) -> PlaneTruth:
        """What is known about this plane."""
        photons = self.mean()
        noise = self.parameters.excess_noise * photons + (self.parameters.read_noise / self.parameters.gain) ** 2
        cells = [(cell, *footprint) for cell in range(len(self.rates)) if (footprint := self._footprint(cell))]
        kept = [cell for cell, *_ in cells]
        light = [self.scale * weight for *_, weight in cells]
        calcium = self.calcium[kept]
        amplitude = np.percentile(calcium, 99, axis=1) - np.median(calcium, axis=1) if kept else np.zeros(0)
        readout = [np.sqrt(np.sum(w**2 / noise[y, x])) for (_, y, x, _), w in zip(cells, light, strict=True)]
        frames, nodes = len(self.bleaching), self.motion.nodes
        return PlaneTruth(
            pixel_y=[y for _, y, _, _ in cells],
            pixel_x=[x for _, _, x, _ in cells],
            weight=[(weight / weight.sum()).astype(np.float32) for weight in light],
            brightness=np.array([weight.sum() for weight in light]),
            rate=self.rates[kept],
            spike_times=[self.spike_times[cell] for cell in kept],
            calcium=calcium,
            snr=amplitude * np.array(readout),
            photons=photons,
            shifts=self.motion.shifts,
            nodes=np.zeros((frames, 2, 0)) if nodes is None else nodes.reshape(frames, 2, NODES**2),
        )

    def _footprint(self, cell: int) -> tuple[IntArray, IntArray, FloatArray] | None:
        """Rows, columns and light of a cell as the undisplaced field shows it; None if most of it is outside."""
        part = slice(*self.tissue.footprints.indptr[cell : cell + 2])
        rows, columns = np.divmod(self.tissue.footprints.indices[part], self.tissue.shape[1])
        if not len(rows):
            return None
        top, left = rows.min() - 1, columns.min() - 1
        patch = np.zeros((np.ptp(rows) + 3, np.ptp(columns) + 3))
        patch[rows - top, columns - left] = self.tissue.footprints.data[part]
        for axis in (0, 1):
            patch = convolve1d(patch, np.array([1, 4, 1]) / 6, axis=axis, mode="constant")
        y, x = np.nonzero(patch > 0.1 * patch.max())
        light = patch[y, x]
        y, x = y + top - self.view.margin, x + left - self.view.margin
        inside = (y >= 0) & (y < self.view.shape[0]) & (x >= 0) & (x < self.view.shape[1])
        if light[inside].sum() < 0.5 * light.sum():
            return None
        return y[inside], x[inside], light[inside]


def simulate(parameters: Simulation, session: Session, movie_path: Path | str) -> Truth:
    """Write the raw movie of a session of the sheet (ScanImage TIFF, int16, planes interleaved) and return its truth.

    Time is counted from the first frame: frame t of every plane is at t / frame_rate. Memory does not grow with the
    size of the movie, only with cells × frames.
    """
    if session.channels != 1:
        raise InputError(f"{session.key}: a simulated session has one channel; set the column channels to 1")
    rate, pixel_size = recording(session)
    with threadpool_limits(1):
        planes = prepare(parameters, session)
        layout = Layout(parameters.frames, session.planes, parameters.height, parameters.width, rate, pixel_size)
        with atomic(movie_path) as temporary:
            write_scanimage(temporary, raw_frames(planes, parameters, session), layout, DTYPE)
        truths = tuple(plane.truth() for plane in planes)
    return Truth(truths, rate, pixel_size, parameters.frames / rate)


def recording(session: Session) -> tuple[float, float]:
    """Frame rate of a plane (Hz) and pixel size (µm)."""
    if session.frame_rate is None:
        raise InputError(f"{session.key}: a simulated session needs frame_rate (Hz); fill the column")
    return session.frame_rate, session.pixel_size or PIXEL_SIZE


def prepare(parameters: Simulation, session: Session) -> list[Plane]:
    """Draw everything but the noise of the detector."""
    rate, pixel_size = recording(session)
    random = stream(parameters.seed, session.key, "motion")
    motions = brain_motion(random, parameters, session.planes, rate, pixel_size)
    return [_plane(parameters, session, number, motion) for number, motion in enumerate(motions)]


def raw_frames(planes: list[Plane], parameters: Simulation, session: Session) -> Iterator[IntArray]:
    """Frames in order of acquisition, in detector units."""
    randoms = [stream(parameters.seed, session.key, number, "photons") for number in range(len(planes))]
    for images in zip(*(plane.expected() for plane in planes), strict=True):
        for random, image in zip(randoms, images, strict=True):
            yield detect(random, image, parameters)


def _plane(parameters: Simulation, session: Session, number: int, motion: Motion) -> Plane:
    rate, pixel_size = recording(session)
    around = margin(parameters, pixel_size)
    shape = (parameters.height + 2 * around, parameters.width + 2 * around)
    view = View(parameters.height, parameters.width, around)
    tissue = grow(
        stream(parameters.seed, session.key, number, "tissue"),
        shape,
        pixel_size,
        parameters.density,
        parameters.contamination,
    )
    indicator = indicators()[session.indicator]
    rates, trains, calcium = _activity(
        stream(parameters.seed, session.key, number, "activity"), parameters, len(tissue.centers), rate, indicator
    )
    neuropil = _neuropil_activity(
        stream(parameters.seed, session.key, number, "neuropil"), tissue, calcium, rate, indicator
    )
    left = (1 - parameters.bleaching) ** np.linspace(0, 1, parameters.frames)
    neuropil = (parameters.neuropil_activity * neuropil).astype(np.float32)
    plane = Plane(parameters, view, tissue, rates, trains, calcium, neuropil, motion, left, scale=1.0)
    return replace(plane, scale=parameters.photons / float(plane.mean().mean()))


def _activity(
    random: np.random.Generator, parameters: Simulation, cells: int, frame_rate: float, indicator: Indicator
) -> tuple[FloatArray, list[FloatArray], FloatArray]:
    """Rates, spike times and dF/F (float32) of all cells; starts early, so that the first frame is like any other."""
    early = 5 * (indicator.decay_time + indicator.rise_time)
    rates, trains = spike_trains(random, cells, parameters.rate, -early, parameters.frames / frame_rate)
    response = np.exp(AMPLITUDE_SPREAD * random.standard_normal(cells))
    calcium = np.zeros((cells, parameters.frames), np.float32)
    for cell, train in enumerate(trains):
        calcium[cell] = response[cell] * calcium_trace(train, parameters.frames, frame_rate, indicator)
    return rates, trains, calcium


def _neuropil_activity(
    random: np.random.Generator, tissue: Tissue, calcium: FloatArray, frame_rate: float, indicator: Indicator
) -> FloatArray:
    """Activity of each mode of the neuropil, mean 0 and variance 1, slow, in part that of the cells near it.

    Returns (n_frames, modes).
    """
    modes, frames = len(tissue.neuropil), calcium.shape[1]
    own = fluctuations(random, modes, frames, 1 / frame_rate, time_constant=0.5 + indicator.decay_time)
    row, column = np.minimum(tissue.centers.T.round().astype(int), np.array(tissue.shape)[:, None] - 1)
    nearby = tissue.neuropil[:, row * tissue.shape[1] + column]
    shared = nearby @ _standard(calcium) if len(calcium) else np.zeros_like(own)
    return _standard(np.sqrt(SHARED_NEUROPIL) * _standard(shared) + np.sqrt(1 - SHARED_NEUROPIL) * _standard(own)).T


def _standard(rows: FloatArray) -> FloatArray:
    """Each row at mean 0 and variance 1; constant rows at 0."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    deviation = centered.std(axis=1, keepdims=True)
    return centered / np.where(deviation > 0, deviation, 1)
