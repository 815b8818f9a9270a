"""A two-photon recording whose truth is known, from a row of the sample sheet.

Every random draw comes from the seed and the session's key; nothing depends on time or on the number of threads.
"""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import convolve1d
from scipy.sparse import csc_array
from threadpoolctl import threadpool_limits

from groundtrace.arrays import BoolArray, FloatArray, IntArray, Movie
from groundtrace.errors import InputError
from groundtrace.indicators import SimulatedIndicator, simulated
from groundtrace.io import atomic
from groundtrace.movies.file import create_movie
from groundtrace.random import stream
from groundtrace.sessions import Session
from groundtrace.simulation.activity import Spiking, calcium_trace, spike_trains
from groundtrace.simulation.astrocytes import Events, draw_events
from groundtrace.simulation.detector import DTYPE, detect, noise_variance, to_units
from groundtrace.simulation.evoked import Driven, evoke
from groundtrace.simulation.motion import NODES, Motion, View, axial_reach, brain_motion, margin
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.processes import fluctuations
from groundtrace.simulation.scanimage import Layout, write_scanimage
from groundtrace.simulation.stimulus import Shown, show
from groundtrace.simulation.tissue import Tissue, grow
from groundtrace.simulation.truth import Pixels, PlaneTruth, Truth
from groundtrace.simulation.visit import Visit, reach

PIXEL_SIZE = 1.0
"""µm, when the sheet gives none."""
SHARED_NEUROPIL = 0.5
"""Share of the variance of the neuropil's activity that follows the cells around."""
EVENT = 1.0
"""s; the strongest stretch of so long makes a cell detectable."""
BACKGROUND_ACTIVITY = 0.15
"""Standard deviation of the light from out of focus over its mean."""
NULL_BLOCK = 10
"""Frames that stay together when blocks are shuffled."""
CHUNK_BYTES = 32 * 2**20
"""Neuropil is rendered for as many frames at once as fit."""


@dataclass(frozen=True)
class Plane:
    """One plane, ready to be rendered frame by frame."""

    parameters: Simulation
    frame_rate: float
    view: View
    tissue: Tissue
    spiking: Spiking
    driven: Driven | None
    """What the cells respond to; None without a stimulus."""
    calcium: FloatArray
    """(n_cells, n_frames) of all cells, also those beyond the field."""
    strength: FloatArray
    """(n_cells,) `strongest` stretch of activity; of a movie without events, that of the one it was made from."""
    neuropil: FloatArray
    """(n_frames, modes)."""
    motion: Motion
    bleaching: FloatArray
    """(n_frames,) fluorescence left."""
    dropped: BoolArray
    """(n_frames,)."""
    scale: float
    """Photons per unit of brightness."""
    events: Events | None = None
    """Of astrocytes."""

    @property
    def lamp(self) -> FloatArray:
        """(height, width) light that vignetting leaves."""
        y, x = (np.linspace(-1, 1, size) for size in self.view.shape)
        return (1 - self.parameters.vignetting * (y[:, None] ** 2 + x**2) / 2).astype(np.float32)

    def behind(self, around: FloatArray) -> FloatArray:
        """(height, width) photons from out of focus, where the neuropil is `around` (pixels,) times its rest.

        It is too smooth for its motion to be seen.
        """
        edge, parameters = self.view.margin, self.parameters
        spread = BACKGROUND_ACTIVITY / max(parameters.neuropil_activity, 1e-6)
        field = around.reshape(self.tissue.shape)[edge : edge + self.view.shape[0], edge : edge + self.view.shape[1]]
        return np.float32(parameters.background * parameters.photons) * (1 + np.float32(spread) * (field - 1))

    def expected(self) -> Iterator[FloatArray]:
        """Each frame without noise: photons per pixel, (height, width) float32."""
        tissue, frames = self.tissue, self.parameters.frames
        activity = 1 + np.ascontiguousarray(self.calcium.T)
        step = max(1, CHUNK_BYTES // (4 * tissue.modes.shape[1]))
        for start in range(0, frames, step):
            neuropil = self.neuropil[start : start + step] @ tissue.modes
            neuropil += 1
            for frame, around in enumerate(neuropil, start):
                scene = tissue.scene(self.motion.z[frame], around, activity[frame])
                if self.events is not None:
                    scene *= 1 + self.events.light(frame / self.frame_rate)
                image = self.view.frame(scene.reshape(tissue.shape), self.motion, frame)
                image *= np.float32(self.scale * self.bleaching[frame])
                if self.parameters.background:
                    image += np.float32(self.bleaching[frame]) * self.behind(around)
                if self.parameters.vignetting:
                    image *= self.lamp
                yield np.maximum(image, 0, out=image)

    def mean(self) -> FloatArray:
        """Mean expected photons without displacement: (height, width)."""
        brightening = (1 + self.calcium.mean(axis=1)).astype(np.float32)
        around = np.ones(self.tissue.modes.shape[1], np.float32)
        mean = sum(
            share * self.tissue.scene(self.tissue.depths[k], around, brightening) for k, share in self._sections()
        )
        focus = self.view.rigid(np.reshape(mean, self.tissue.shape), np.zeros(2)) * self.scale
        return (focus + self.behind(around)) * self.lamp * self.bleaching.mean()

    def truth(self) -> PlaneTruth:
        """What is known about this plane."""
        photons = self.mean()
        noise = noise_variance(photons, self.parameters)
        seen = self._seen(self._mean_footprints(), least=0.5)
        kept, cells, nodes = list(seen), self.tissue.cells, self.motion.nodes
        readout = np.array([np.sqrt(np.sum(weight**2 / noise[y, x])) for y, x, weight in seen.values()])
        several = range(len(self.tissue.depths)) if len(self.tissue.depths) > 1 else ()
        sections = [(k, self._seen(self.tissue.footprints[k], least=0.0)) for k in several]
        return PlaneTruth(
            identity=np.array(kept, np.int32),
            kind=["dendrite" if cells.dendrite[cell] else "soma" for cell in kept],
            depth=cells.depth[kept],
            footprints=[(y, x, (weight / weight.sum()).astype(np.float32)) for y, x, weight in seen.values()],
            brightness=np.array([weight.sum() for *_, weight in seen.values()]),
            detectability=readout * self.strength[kept],
            rate=self.spiking.rates[kept],
            spike_times=[self.spiking.times[cell] for cell in kept],
            loading=self.spiking.loadings[kept],
            calcium=self.calcium[kept],
            photons=photons,
            shifts=self.motion.shifts,
            z=self.motion.z,
            rows=self.motion.rows,
            nodes=np.zeros((len(self.bleaching), 2, 0)) if nodes is None else nodes.reshape(-1, 2, NODES**2),
            moving=self.motion.moving,
            dropped=self.dropped,
            driven=self.driven and self.driven.take(kept),
            events=self.events and self.events.truth(self.view.margin, self.view.shape),
            sections=[
                (number, float(self.tissue.depths[k]), found[cell])
                for number, cell in enumerate(kept)
                for k, found in sections
                if cell in found
            ],
        )

    def _mean_footprints(self) -> csc_array:
        (first, share), *others = self._sections()
        mean = share * self.tissue.footprints[first]
        for section, share in others:
            mean = mean + share * self.tissue.footprints[section]
        return csc_array(mean)

    def _sections(self) -> list[tuple[int, np.float32]]:
        """The tissue's sections that are seen, and the share of the recording that each stands for."""
        total = np.zeros(len(self.tissue.depths), np.float32)
        for z in self.motion.z:
            for section, weight in self.tissue.mixture(z):
                total[section] += weight / len(self.motion.z)
        return [(section, share) for section, share in enumerate(total) if share > 0]

    def _seen(self, footprints: csc_array, least: float) -> dict[int, Pixels]:
        """Rows, columns and photons of each cell of which more than the part `least` lies in the undisplaced field."""
        found: dict[int, Pixels] = {}
        lamp = self.lamp
        for cell, (start, stop) in enumerate(itertools.pairwise(footprints.indptr)):
            if start == stop:
                continue
            values: FloatArray = np.asarray(footprints.data[start:stop], np.float32)
            y, x, light = _smoothed(footprints.indices[start:stop], values, self.tissue.shape)
            y, x = y - self.view.margin, x - self.view.margin
            inside = (y >= 0) & (y < self.view.shape[0]) & (x >= 0) & (x < self.view.shape[1])
            if light[inside].sum() > least * light.sum():
                y, x = y[inside].astype(np.int32), x[inside].astype(np.int32)
                found[cell] = y, x, self.scale * light[inside] * lamp[y, x]
        return found


def _smoothed(pixels: IntArray, light: FloatArray, shape: tuple[int, int]) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows, columns and light of a footprint as the spline shows its coefficients; its faint rim left out."""
    rows, columns = np.divmod(pixels, shape[1])
    top, left = rows.min() - 1, columns.min() - 1
    patch = np.zeros((np.ptp(rows) + 3, np.ptp(columns) + 3))
    patch[rows - top, columns - left] = light
    for axis in (0, 1):
        patch = convolve1d(patch, np.array([1, 4, 1]) / 6, axis=axis, mode="constant")
    y, x = np.nonzero(patch > 0.1 * patch.max())
    return y + top, x + left, patch[y, x]


def strongest(calcium: FloatArray, frame_rate: float) -> FloatArray:
    """Root of the largest sum of squares of `calcium` (n_cells, n_frames) above its median within EVENT: (n_cells,).

    Over the standard deviation of the noise of a frame it is d' of an observer who knows what to look for.
    """
    window = min(max(1, round(EVENT * frame_rate)), calcium.shape[1])
    found = np.zeros(len(calcium))
    for cell, trace in enumerate(calcium):
        total = np.concatenate([[0.0], np.cumsum((trace - np.median(trace)).astype(np.float64) ** 2)])
        found[cell] = np.sqrt((total[window:] - total[:-window]).max())
    return found


def simulate(
    parameters: Simulation, session: Session, movie_path: Path | str, clean_path: Path | str | None = None
) -> Truth:
    """Write the raw movie of a session of the sheet (ScanImage TIFF, int16, planes interleaved) and return its truth.

    Time is counted from the first frame: frame t of every plane is at t / frame_rate. Memory does not grow with the
    size of the movie, only with cells x frames. clean_path: the same movie without noise and without lost frames,
    (n_frames, planes, height, width) int16 `.npy`.
    """
    if session.channels != 1:
        raise InputError(f"{session.key}: a simulated session has one channel; set the column channels to 1")
    rate, pixel_size = recording(session)
    size = (parameters.height, parameters.width)
    with threadpool_limits(1), ExitStack() as files:
        planes = prepare(parameters, session)
        layout = Layout(parameters.frames, session.planes, *size, rate, pixel_size)
        clean = None
        if clean_path is not None:
            path = files.enter_context(atomic(clean_path))
            clean = create_movie(path, (parameters.frames * session.planes, *size), DTYPE)
        with atomic(movie_path) as temporary:
            write_scanimage(temporary, raw_frames(planes, parameters, session, clean), layout, DTYPE)
        truths = tuple(plane.truth() for plane in planes)
    return Truth(truths, rate, pixel_size, parameters.frames / rate, show(parameters, session.key, rate))


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
    shown = show(parameters, session.key, rate)
    return [_plane(parameters, session, number, motion, shown) for number, motion in enumerate(motions)]


def raw_frames(
    planes: list[Plane], parameters: Simulation, session: Session, clean: Movie | None = None
) -> Iterator[IntArray]:
    """Frames in order of acquisition, in detector units; `clean` is filled with them before noise and loss."""
    randoms = [stream(parameters.seed, session.key, number, "photons") for number in range(len(planes))]
    last: list[IntArray] = [np.zeros(0, DTYPE)] * len(planes)
    for frame, images in enumerate(zip(*(plane.expected() for plane in planes), strict=True)):
        for number, (plane, image) in enumerate(zip(planes, images, strict=True)):
            if clean is not None:
                clean[frame * len(planes) + number] = to_units(image, parameters)
            seen = detect(randoms[number], image, parameters)
            last[number] = last[number] if plane.dropped[frame] else seen
            yield last[number]


def _plane(parameters: Simulation, session: Session, number: int, motion: Motion, shown: Shown | None) -> Plane:
    rate, pixel_size = recording(session)

    def random(what: str) -> np.random.Generator:
        return stream(parameters.seed, session.key, number, what)

    beyond = 0.0
    if session.field:
        beyond = reach(parameters.revisits, pixel_size * np.hypot(parameters.height, parameters.width) / 2)
    around = margin(parameters, pixel_size, beyond)
    shape = (parameters.height + 2 * around, parameters.width + 2 * around)
    view = View(parameters.height, parameters.width, around)
    depth = max(axial_reach(parameters), parameters.z_stack)
    if session.field:
        anatomy = stream(parameters.seed, session.subject, session.field, number, "tissue")
        visit = partial(Visit.draw, random("visit"), parameters.revisits, pixel_size)
        tissue = grow(anatomy, shape, pixel_size, parameters, depth, visit)
    else:
        tissue = grow(random("tissue"), shape, pixel_size, parameters, depth)
    indicator = simulated(session.indicator)
    delay = number / (session.planes * rate)
    active, cells = random("activity"), len(tissue.cells.depth)
    spiking, driven, calcium = _activity(active, parameters, cells, rate, indicator, shown, delay)
    neuropil = _neuropil_activity(random("neuropil"), tissue, calcium, rate, indicator)
    neuropil = (parameters.neuropil_activity * neuropil).astype(np.float32)
    strength = strongest(calcium, rate)
    quiet = "static" if parameters.astrocytes else parameters.null_movie
    if quiet is not None:
        spiking = Spiking(np.zeros_like(spiking.rates), [np.zeros(0)] * len(calcium), np.zeros_like(spiking.loadings))
        calcium, neuropil = _without_events(random("null"), quiet, calcium, neuropil)
    left = (1 - parameters.bleaching) ** np.linspace(0, 1, parameters.frames)
    dropped = random("dropped").random(parameters.frames) < parameters.dropped
    dropped[0] = False
    activity = (spiking, driven, calcium, strength, neuropil)
    events = parameters.astrocytes and draw_events(
        random("astrocytes"), shape, pixel_size, parameters.frames / rate, parameters.astrocytes
    )
    plane = Plane(parameters, rate, view, tissue, *activity, motion, left, dropped, scale=1.0, events=events)
    # Without what is behind and without vignetting: those are beside the light in focus.
    alone = replace(plane, parameters=parameters.model_copy(update={"background": 0.0, "vignetting": 0.0}))
    return replace(plane, scale=parameters.photons / float(alone.mean().mean()))


def _activity(
    random: np.random.Generator,
    parameters: Simulation,
    cells: int,
    frame_rate: float,
    indicator: SimulatedIndicator,
    shown: Shown | None,
    delay: float,
) -> tuple[Spiking, Driven | None, FloatArray]:
    """Spikes, what they respond to, and dF/F (float32) of all cells; starts early, so that the first frame is like any
    other. delay: s, of the plane's clock behind that of the presentations."""
    lasting, driven = (-5 * (indicator.decay_time + indicator.rise_time), parameters.frames / frame_rate), None
    if shown is None:
        spiking = spike_trains(random, cells, parameters.rate, *lasting)
    else:
        spiking, driven = evoke(random, parameters, shown, cells, delay, *lasting)
    response = np.exp(indicator.spread * random.standard_normal(cells))
    calcium = np.zeros((cells, parameters.frames), np.float32)
    for cell, train in enumerate(spiking.times):
        calcium[cell] = response[cell] * calcium_trace(train, parameters.frames, frame_rate, indicator)
    return spiking, driven, calcium


def _without_events(
    random: np.random.Generator, kind: str, calcium: FloatArray, neuropil: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Calcium (n_cells, n_frames) and neuropil (n_frames, modes) of a movie without events; see `null_movie`."""
    frames = calcium.shape[1]
    if kind == "static":
        return np.repeat(calcium.mean(axis=1, keepdims=True), frames, axis=1), np.zeros_like(neuropil)
    step = 1 if kind == "frames" else NULL_BLOCK
    first = random.permutation(np.arange(0, frames, step))
    order = np.concatenate([np.arange(start, min(start + step, frames)) for start in first])
    return calcium[:, order], neuropil[order]


def _neuropil_activity(
    random: np.random.Generator, tissue: Tissue, calcium: FloatArray, frame_rate: float, indicator: SimulatedIndicator
) -> FloatArray:
    """Activity of each mode of the neuropil, mean 0 and variance 1, slow, in part that of the cells near it.

    Returns (n_frames, modes).
    """
    modes, frames = len(tissue.modes), calcium.shape[1]
    own = fluctuations(random, modes, frames, 1 / frame_rate, time_constant=0.5 + indicator.decay_time)
    row, column = np.clip(tissue.cells.centers.T.round().astype(int), 0, np.array(tissue.shape)[:, None] - 1)
    nearby = tissue.modes[:, row * tissue.shape[1] + column]
    shared = nearby @ _standard(calcium) if len(calcium) else np.zeros_like(own)
    return _standard(np.sqrt(SHARED_NEUROPIL) * _standard(shared) + np.sqrt(1 - SHARED_NEUROPIL) * _standard(own)).T


def _standard(rows: FloatArray) -> FloatArray:
    """Each row at mean 0 and variance 1; constant rows at 0."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    deviation = centered.std(axis=1, keepdims=True)
    return centered / np.where(deviation > 0, deviation, 1)
