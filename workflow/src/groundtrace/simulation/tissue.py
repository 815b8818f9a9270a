"""What lies around one imaged plane: somata, dendrites, neuropil and vessels, as images of spline coefficients.

Images (see `motion`) are flat, (rows * columns,), over the field and its margin; brightness is relative to that of the
neuropil. Lengths are µm, mouse cortex.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.sparse import csc_array
from scipy.spatial import KDTree
from scipy.special import erf

from groundtrace.arrays import BoolArray, FloatArray
from groundtrace.simulation.parameters import Simulation

if TYPE_CHECKING:
    from groundtrace.simulation.visit import Visit

SOMA_RADIUS = 5.9
NUCLEUS_RADIUS = 3.8
NUCLEUS_BRIGHTNESS = 0.2
"""Brightness of the nucleus over that of the cytoplasm."""
DENDRITE_RADIUS = (1.0, 1.8)
"""Smallest and largest radius of an apical dendrite."""
TILT = 0.2
"""Standard deviation of an apical dendrite's slope."""
SPACING = 9.0
"""Least distance of the centres of two somata."""
BRIGHTNESS = (2.53, 0.4)
"""Shape and scale of the gamma distribution of the cells' resting brightness."""
NEUROPIL_MODES, COARSE_NEUROPIL = 24, 25.0
"""Patterns of neuropil activity when it is correlated over COARSE_NEUROPIL µm; more of them when over less."""
NEUROPIL_GLOBAL = 0.3
"""Share of the variance of the neuropil's activity that is common to the whole field."""
TEXTURES = ((0.2, 15.0), (0.1, 1.5))
"""Standard deviation and scale of the neuropil's unevenness."""
VESSELS = ((15.0, 0.3), (9.0, 1.0), (2.0, 8.0))
"""Diameter, and length in the section, mm per mm²."""
VESSEL_TRANSMISSION = 0.35
"""Light that is left in the shadow of the widest vessel."""
SECTION_STEP = 1.0
"""Between the sections that are drawn when the plane moves axially; those between are interpolated."""
REFRACTIVE_INDEX = 1.33
SUBPIXELS = 3
"""A pixel's light is the mean over so many points along each side. The lateral point spread (radius 0.35 µm at NA 0.6)
is narrower than the spline that stands for the image."""


@dataclass(frozen=True)
class Cells:
    """Everything with its own activity."""

    centers: FloatArray
    """(n_cells, 2) px, at depth 0."""
    depth: FloatArray
    """(n_cells,) of a soma's centre, positive below the plane."""
    dendrite: BoolArray
    """(n_cells,) an apical dendrite, not a soma."""
    brightness: FloatArray
    """(n_cells,); 0 without the indicator."""
    radius: FloatArray
    """(n_cells,)."""
    tilt: FloatArray
    """(n_cells, 2) sideways per µm of depth."""
    stretch: FloatArray
    """(n_cells, 2) how much longer than its radius a soma is along its axis, and that axis's angle, rad."""


@dataclass(frozen=True)
class Tissue:
    """Field and margin, in one section or several."""

    shape: tuple[int, int]
    cells: Cells
    depths: FloatArray
    """(n_sections,), evenly spaced; one at 0 when nothing moves axially."""
    footprints: tuple[csc_array, ...]
    """Per section, (pixels, n_cells): light of each cell at rest."""
    static: tuple[FloatArray, ...]
    """Per section, (pixels,): light of the neuropil at rest."""
    modes: FloatArray
    """(modes, pixels) loading of the neuropil's light on each mode's activity."""

    def mixture(self, z: float) -> list[tuple[int, np.float32]]:
        """Sections around the axial position z, and the weight of each."""
        if len(self.depths) == 1:
            return [(0, np.float32(1))]
        place = np.clip((z - self.depths[0]) / SECTION_STEP, 0, len(self.depths) - 1)
        below = min(int(place), len(self.depths) - 2)
        share = np.float32(place - below)
        return [(below, 1 - share), (below + 1, share)]

    def scene(self, z: float, neuropil: FloatArray, brightening: FloatArray) -> FloatArray:
        """The section at z: `neuropil` (pixels,) relative to rest, of cells (n_cells,) too."""
        scene = np.zeros(len(neuropil), np.float32)
        for section, weight in self.mixture(z):
            scene += weight * (self.static[section] * neuropil + self.footprints[section] @ brightening)
        return scene


def grow(
    random: np.random.Generator,
    shape: tuple[int, int],
    pixel_size: float,
    parameters: Simulation,
    reach: float,
    visit: "Callable[[int], Visit] | None" = None,
) -> Tissue:
    """Draw the tissue of `shape` px around a plane that moves axially by at most `reach` µm.

    visit: of a number of cells, how the session shows a tissue that others show too.
    """
    steps = int(np.ceil(reach / SECTION_STEP))
    depths = SECTION_STEP * np.arange(-steps, steps + 1, dtype=float)
    blur = axial_radius(parameters.numerical_aperture, parameters.wavelength)
    around = parameters.revisits.axial_offset if visit else 0.0
    cells = _cells(random, shape, pixel_size, parameters, reach + around + 1.3 * SOMA_RADIUS + 2 * blur)
    light = _shadows(random, shape, pixel_size)
    apart = blur * np.pi / 2
    textures = [{k: sd * _smooth(random, shape, scale / pixel_size) for k in (0, 1)} for sd, scale in TEXTURES]
    scale = parameters.neuropil_scale
    count = round(NEUROPIL_MODES * np.clip(COARSE_NEUROPIL / scale, 1, 4))
    modes = np.stack([_smooth(random, shape, scale / np.sqrt(2) / pixel_size) for _ in range(count)])
    modes *= np.sqrt((1 - NEUROPIL_GLOBAL) / (modes**2).sum(axis=0))
    modes = np.concatenate([np.full((1, *shape), np.sqrt(NEUROPIL_GLOBAL)), modes])
    # Drawn last: a plane that never moves is the same without them.
    farthest = int((steps * SECTION_STEP + around) / apart) + 1
    deep = [k for k in range(-farthest, farthest + 1) if k not in (0, 1)]
    for (sd, scale), own in zip(TEXTURES, textures, strict=True):
        own |= {k: sd * _smooth(random, shape, scale / pixel_size) for k in deep}
    deeper = 0.0
    if visit:
        session = visit(len(cells.depth))
        cells, deeper = session.cells(cells, shape, pixel_size), session.depth
        light, modes = session.seen(light), np.stack([session.seen(mode) for mode in modes])
        textures = [{k: session.seen(image) for k, image in own.items()} for own in textures]
    footprints, static = [], []
    for z in depths:
        drawn, somata = _section(cells, z, blur, shape, pixel_size)
        texture = 1 + sum(_between(own, (z + deeper) / apart) for own in textures)
        displaced = 1 - (1 - parameters.contamination) * somata
        static.append((light * np.maximum(texture, 0.2) * displaced).ravel().astype(np.float32))
        drawn.data *= light.ravel()[drawn.indices] * np.repeat(cells.brightness, np.diff(drawn.indptr))
        footprints.append(csc_array(drawn, dtype=np.float32))
    flat = modes.reshape(len(modes), -1).astype(np.float32)
    return Tissue(shape, cells, depths, tuple(footprints), tuple(static), flat)


def _between(textures: dict[int, FloatArray], place: float) -> FloatArray:
    """The texture at `place`, in steps from the plane: of the same variance everywhere, independent two steps away."""
    above = int(np.floor(place))
    turned = (place - above) * np.pi / 2
    return np.cos(turned) * textures[above] + np.sin(turned) * textures[above + 1]


def axial_radius(numerical_aperture: float, wavelength: float) -> float:
    """1/e radius, µm, of the two-photon point spread along the axis (Zipfel, Williams & Webb 2003)."""
    cone = REFRACTIVE_INDEX - np.sqrt(REFRACTIVE_INDEX**2 - numerical_aperture**2)
    return float(0.532 * wavelength / np.sqrt(2) / cone)


def _cells(
    random: np.random.Generator, shape: tuple[int, int], pixel_size: float, parameters: Simulation, reach: float
) -> Cells:
    """Somata within `reach` µm of the plane, and the dendrites that cross it."""
    size = np.array(shape) * pixel_size
    area = size.prod() * 1e-6
    count = random.poisson(parameters.density * area * 2 * reach * 1e-3)
    places = _apart(random, count, np.array([*size, 2 * reach]))
    dendrites = random.poisson(parameters.dendrites * area)
    crossing = random.random((dendrites, 2)) * size
    brightness = random.gamma(*BRIGHTNESS, size=count + dendrites)
    brightness[:count] *= random.random(count) < parameters.expressing
    radius = np.concatenate(
        [SOMA_RADIUS * np.exp(0.08 * random.standard_normal(count)), random.uniform(*DENDRITE_RADIUS, dendrites)]
    )
    tilt = TILT * random.standard_normal((count + dendrites, 2))
    tilt[:count] = 0
    stretch = np.column_stack([np.ones(count + dendrites), np.zeros(count + dendrites)])
    if parameters.elongation:
        stretch[:count, 0] = np.exp(parameters.elongation * np.abs(random.standard_normal(count)))
        stretch[:count, 1] = random.uniform(0, np.pi, count)
    return Cells(
        centers=np.concatenate([places[:, :2], crossing]) / pixel_size - 0.5,
        depth=np.concatenate([places[:, 2] - reach, np.zeros(dendrites)]),
        dendrite=np.arange(count + dendrites) >= count,
        brightness=brightness,
        radius=radius,
        tilt=tilt,
        stretch=stretch,
    )


def _apart(random: np.random.Generator, count: int, size: FloatArray) -> FloatArray:
    """`count` points in a box of `size`, SPACING apart where there is room: (count, 3)."""
    places = random.random((count, 3)) * size
    for _ in range(50):
        close = KDTree(places).query_pairs(SPACING, output_type="ndarray") if count else np.zeros((0, 2), int)
        if not len(close):
            break
        again = np.unique(close.max(axis=1))
        places[again] = random.random((len(again), 3)) * size
    return places


def _section(
    cells: Cells, z: float, blur: float, shape: tuple[int, int], pixel_size: float
) -> tuple[csc_array, FloatArray]:
    """Light of each cell (pixels, n_cells) at z for brightness 1, and the share of each pixel that is soma (shape)."""
    fine = (np.arange(SUBPIXELS) - (SUBPIXELS - 1) / 2) / SUBPIXELS
    pixels, weights, somata = [], [], np.zeros(shape)
    for center, depth, dendrite, radius, tilt, (longer, angle) in zip(
        cells.centers, cells.depth, cells.dendrite, cells.radius, cells.tilt, cells.stretch, strict=True
    ):
        y, x = center + tilt * z / pixel_size
        away = 0.0 if dendrite else depth - z
        reach = int(np.ceil(radius * longer / pixel_size)) + 1
        rows = np.arange(max(int(y) - reach, 0), min(int(y) + reach + 2, shape[0]))
        columns = np.arange(max(int(x) - reach, 0), min(int(x) + reach + 2, shape[1]))
        if abs(away) > radius + 2 * blur or not len(rows) or not len(columns):
            pixels.append(np.zeros(0, int))
            weights.append(np.zeros(0))
            continue
        dy = (rows[:, None] + fine - y).ravel()[:, None] * pixel_size
        dx = (columns[:, None] + fine - x).ravel() * pixel_size
        along, across = np.cos(angle) * dy + np.sin(angle) * dx, np.cos(angle) * dx - np.sin(angle) * dy
        distance = np.hypot(along / longer, across * longer)
        body = (distance < radius) * 1.0 if dendrite else _column(distance, radius, away, blur)
        inner = 0.0 if dendrite else _column(distance, radius * NUCLEUS_RADIUS / SOMA_RADIUS, away, blur)
        body, ring = (
            _binned(image, len(rows), len(columns)) for image in (body, body - (1 - NUCLEUS_BRIGHTNESS) * inner)
        )
        if not dendrite:
            patch = np.ix_(rows, columns)
            somata[patch] = np.maximum(somata[patch], body)
        seen = ring > 1e-3
        pixels.append((rows[:, None] * shape[1] + columns)[seen])
        weights.append(ring[seen])
    bounds = np.concatenate([[0], np.cumsum([len(part) for part in pixels])]).astype(np.int64)
    parts = (np.concatenate(weights), np.concatenate(pixels), bounds) if len(pixels) else ([], [], bounds)
    return csc_array(parts, shape=(shape[0] * shape[1], len(pixels)), dtype=float), somata


def _column(distance: FloatArray, radius: float, away: float, blur: float) -> FloatArray:
    """Share of the axial point spread that lies in a sphere, at lateral `distance` from its centre."""
    half = np.sqrt(np.maximum(radius**2 - distance**2, 0))
    return (erf((away + half) / blur) - erf((away - half) / blur)) / 2


def _binned(image: FloatArray, rows: int, columns: int) -> FloatArray:
    return image.reshape(rows, SUBPIXELS, columns, SUBPIXELS).mean(axis=(1, 3))


def _inside(distance: FloatArray, radius: float, edge: float = 0.25) -> FloatArray:
    """1 inside, 0 outside, with a soft edge."""
    return 1 / (1 + np.exp(np.minimum((distance - radius) / edge, 50)))


def _shadows(random: np.random.Generator, shape: tuple[int, int], pixel_size: float) -> FloatArray:
    """Light left by the vessels above and in the plane, 0 to 1: `shape`."""
    light = np.ones(shape)
    area = shape[0] * shape[1] * (pixel_size / 1000) ** 2
    span = float(np.hypot(*shape))
    for diameter, length in VESSELS:
        # A vessel crosses the image on a wavy line; its number follows from the length that is wanted.
        for _ in range(random.poisson(1000 * length * area / (0.7 * span * pixel_size))):
            path = np.ones(shape, dtype=bool)
            start, heading = random.random(2) * shape, random.uniform(0, np.pi)
            along = np.arange(-span, span, 0.5)
            wave = 0.05 * span * np.sin(along / span * random.uniform(3, 9) + random.uniform(0, 6))
            rows = start[0] + along * np.sin(heading) + wave * np.cos(heading)
            columns = start[1] + along * np.cos(heading) - wave * np.sin(heading)
            seen = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
            path[rows[seen].astype(int), columns[seen].astype(int)] = False
            if not seen.any():
                continue
            distance = distance_transform_edt(path, sampling=pixel_size)
            depth = (1 - VESSEL_TRANSMISSION) * diameter / VESSELS[0][0]
            light *= 1 - depth * _inside(np.asarray(distance), diameter / 2)
    return light


def _smooth(random: np.random.Generator, shape: tuple[int, int], scale: float) -> FloatArray:
    """Gaussian random field of mean 0 and variance about 1, smoothed with a Gaussian of `scale` px: `shape`."""
    field = gaussian_filter(random.standard_normal(shape), scale, mode="wrap")
    # Smoothed white noise keeps 1 / (4 pi scale²) of its variance.
    return 2 * np.sqrt(np.pi) * max(scale, 0.5) * field
