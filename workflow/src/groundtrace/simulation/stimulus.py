"""Images that a simulated animal is shown, and when."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.random import stream
from groundtrace.simulation.parameters import Simulation, StimulusParameters

LEAD = 1.0
"""s, of grey before the first image and after the last."""
GREY = 0.5
"""Pixel value of grey; black is 0, white 1."""
ORIENTATIONS, FREQUENCIES = 12, (0.06, 0.1, 0.16)
"""Gratings: evenly over 180°, and cycles per px; beyond their combinations the phase goes on in quarters."""
PHOTOGRAPHS = ("china", "flower")
ZOOMS = (0.3, 0.45, 0.7)
"""A photograph is shown at one of these sizes."""
LEAVES = (0.06, 0.6)
"""Smallest and largest radius of dead leaves, heights of the image; numbers go with radius⁻³."""
PROJECTIONS = 30
"""Times that mean and contrast are set again after pixels were clipped."""


class Shown(NamedTuple):
    """What is shown in a session."""

    images: IntArray
    """(n_images, Y, X) uint8, as a screen has them: 255 is white."""
    order: IntArray
    """(n_presentations,) image of each presentation."""
    state: FloatArray
    """(n_presentations,) of the brain, which all cells share."""
    presentations: pl.DataFrame
    """Table SimulatedStimuli."""


def pixels(images: IntArray) -> FloatArray:
    """Pixel values 0 to 1 of images as they are stored."""
    return images.astype(np.float64) / 255


def show(parameters: Simulation, key: str, frame_rate: float) -> Shown | None:
    """Images and presentations of a session; None where the simulation has no stimulus."""
    stimulus = parameters.stimulus
    if stimulus is None:
        return None
    check_fits(parameters, frame_rate)
    images, numbers = draw_images(stimulus, stream(parameters.seed, key, "images"))
    order = sequence(stimulus, stream(parameters.seed, key, "presentations"))
    start = LEAD + np.arange(len(order)) * (stimulus.duration + stimulus.grey)
    shown = {"start_time": start, "stop_time": start + stimulus.duration}
    named = {"stimulus": [stimulus.images] * len(order), "image": [str(image) for image in order]}
    given = {name: pl.Series(values[order], dtype=pl.Float64) for name, values in numbers.items()}
    table = pl.DataFrame(shown | named | given)
    absent = [name for name in ("orientation", "spatial_frequency", "phase") if name not in given]
    state = stream(parameters.seed, key, "state").standard_normal(len(order))
    return Shown(images, order, state, table.with_columns(**{name: pl.lit(None, pl.Float64) for name in absent}))


def check_fits(parameters: Simulation, frame_rate: float) -> None:
    """Raise InputError where a recording is too short for its stimulus."""
    stimulus = parameters.stimulus
    assert stimulus is not None
    seconds = 2 * LEAD + stimulus.presentations * (stimulus.duration + stimulus.grey)
    needed = int(np.ceil(seconds * frame_rate))
    if parameters.frames < needed:
        raise InputError(
            f"simulation: frames: {parameters.frames} at {frame_rate:g} Hz are too few for {stimulus.presentations} "
            f"presentations of {stimulus.duration:g} s with {stimulus.grey:g} s of grey between them; set frames to at "
            f"least {needed}, or show less (stimulus.n_images, repeats, once)"
        )


def sequence(stimulus: StimulusParameters, random: np.random.Generator) -> IntArray:
    """(n_presentations,) images: in each of the repeats all repeated ones in new order, and a part of the others."""
    once = np.array_split(stimulus.n_images + random.permutation(stimulus.once), stimulus.repeats)
    return np.concatenate([random.permutation(np.append(np.arange(stimulus.n_images), part)) for part in once])


def draw_images(stimulus: StimulusParameters, random: np.random.Generator) -> tuple[IntArray, dict[str, FloatArray]]:
    """Images (n, Y, X) uint8 of equal mean and contrast, and what numbers describe each, (n,) by name."""
    shape, count = (stimulus.height, stimulus.width), stimulus.n_images + stimulus.once
    numbers: dict[str, FloatArray] = {}
    if stimulus.images == "gratings":
        numbers = _grating_numbers(count)
        drawn = gratings(shape, *numbers.values())
    else:
        draw = patch if stimulus.images == "patches" else dead_leaves
        drawn = np.stack([draw(random, shape) for _ in range(count)])
    return np.rint(255 * with_contrast(drawn, GREY, stimulus.contrast)).astype(np.uint8), numbers


def with_contrast(images: FloatArray, mean: float, contrast: float, low: float = 0.0, high: float = 1.0) -> FloatArray:
    """Images (…, Y, X) moved and scaled to a mean and an RMS contrast (standard deviation) within a range of pixels."""
    images = np.asarray(images, np.float64)
    for _ in range(PROJECTIONS):
        off = images - images.mean(axis=(-2, -1), keepdims=True)
        deviation = off.std(axis=(-2, -1), keepdims=True)
        images = np.clip(mean + off * (contrast / np.where(deviation > 0, deviation, 1)), low, high)
    return images


def _grating_numbers(count: int) -> dict[str, FloatArray]:
    number = np.arange(count)
    rest = number // ORIENTATIONS
    return {
        "orientation": number % ORIENTATIONS * (180 / ORIENTATIONS),
        "spatial_frequency": np.array(FREQUENCIES)[rest % len(FREQUENCIES)],
        "phase": rest // len(FREQUENCIES) % 4 * 90.0,
    }


def gratings(shape: tuple[int, ...], orientation: FloatArray, frequency: FloatArray, phase: FloatArray) -> FloatArray:
    """Sinusoidal gratings (n, Y, X) from -1 to 1.

    orientation: degrees from the x axis towards y (down), of the direction in which the light changes. frequency:
    cycles per px. phase: degrees, in the middle of the image.
    """
    y, x = np.indices(shape) - (np.array(shape)[:, None, None] - 1) / 2
    angle = np.radians(np.atleast_1d(orientation))[:, None, None]
    along = np.cos(angle) * x + np.sin(angle) * y
    frequency, phase = (np.atleast_1d(values)[:, None, None] for values in (frequency, phase))
    return np.cos(2 * np.pi * frequency * along + np.radians(phase))


def patch(random: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """A piece (Y, X) of one of two photographs, at one of three sizes, some mirrored."""
    photograph = photographs()[random.integers(len(ZOOMS) * 2)]
    top, left = (random.integers(full - part + 1) for full, part in zip(photograph.shape, shape, strict=True))
    piece = photograph[top : top + shape[0], left : left + shape[1]]
    piece = piece[:, ::-1] if random.random() < 0.5 else piece
    # A stretch of sky has no contrast that could be set.
    return piece if piece.std() > 0.02 else patch(random, shape)


@cache
def photographs() -> list[FloatArray]:
    """The two photographs of scikit-learn in grey, 0 to 1, at each of ZOOMS."""
    from imagecodecs import jpeg8_decode
    from scipy.ndimage import zoom

    folder = files("sklearn.datasets.images")
    found = [np.asarray(jpeg8_decode((folder / f"{name}.jpg").read_bytes())) for name in PHOTOGRAPHS]
    return [np.asarray(zoom(image.mean(axis=2) / 255, size, order=1)) for image in found for size in ZOOMS]


def dead_leaves(random: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Discs (Y, X) that hide each other, of all sizes and greys, until hardly any ground is seen."""
    image, bare = np.full(shape, GREY), np.ones(shape, dtype=bool)
    least, most = (radius * shape[0] for radius in LEAVES)
    while bare.mean() > 0.01:
        # Of numbers that go with radius⁻³, radius⁻² is uniform.
        radius = random.uniform(most**-2, least**-2) ** -0.5
        centre = random.uniform(-radius, np.array(shape) + radius)
        rows, columns = (slice(max(int(at - radius), 0), int(at + radius) + 2) for at in centre)
        part = bare[rows, columns]
        y, x = np.ogrid[: part.shape[0], : part.shape[1]]
        inside = part & (np.hypot(y + rows.start - centre[0], x + columns.start - centre[1]) < radius)
        image[rows, columns][inside] = random.random()
        part &= ~inside
    return image
