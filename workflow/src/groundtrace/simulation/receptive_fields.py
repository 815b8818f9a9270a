"""What drives a simulated cell: its parameters, its response to any image, and the image that drives it most.

Images are (n_images, Y, X) in pixel values from 0 (black) to 1 (white); what counts is how far they are from grey.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.simulation.parameters import StimulusParameters
from groundtrace.simulation.stimulus import GREY, gratings, with_contrast
from groundtrace.tables import single

if TYPE_CHECKING:
    from groundtrace.simulation.fitted import FittedNetwork

KINDS = ("simple", "complex", "normalised", "untuned", "fitted")
FITTED = "fitted"
SIZES = (0.06, 0.12)
"""Standard deviation of the envelope across the bars, heights of the image."""
CYCLES = (0.25, 0.45)
"""Spatial frequency times that standard deviation."""
ASPECTS = (1.0, 1.6)
"""Envelope along the bars over that across them."""
CENTRAL = 0.6
"""Receptive fields lie in so much of the image, along each axis."""
SURROUND = 2.0
"""Pool of the normalisation, sizes of the receptive field."""
HALF = 0.1
"""RMS contrast of the pool that halves the response, but for a root."""
BATCH = 512
"""Images that are looked at together."""
STEPS = 40
"""Of the ascent to the best image."""
ANGLES = np.arange(0, 180, 7.5)
FREQUENCIES = np.geomspace(0.04, 0.2, 6)
PHASES = np.arange(0, 360, 45.0)
"""Gratings, of all combinations, that tell a preferred orientation: degrees, cycles per px, degrees."""
NUMBERS = ("y", "x", "orientation", "frequency", "size", "aspect", "phase", "gain", "baseline")


class Fields(NamedTuple):
    """Parameters of cells, (n_cells,) each."""

    kind: np.ndarray
    """simple: rectified Gabor; complex: energy of a pair of Gabors in quadrature; normalised: a simple cell, divided by
    the contrast around; untuned: the same to all images; fitted: of a network that was fitted to real neurons, which
    has a place and an orientation, and no other number of a Gabor."""
    y: FloatArray
    x: FloatArray
    """px, centre of the receptive field, from the top left."""
    orientation: FloatArray
    """degrees from the x axis towards y (down), of the direction in which the light changes."""
    frequency: FloatArray
    """cycles per px."""
    size: FloatArray
    """px, standard deviation of the envelope across the bars."""
    aspect: FloatArray
    """Envelope along the bars over that across."""
    phase: FloatArray
    """degrees."""
    gain: FloatArray
    """Spikes in a window per unit of drive."""
    baseline: FloatArray
    """Spikes in a window without any drive."""
    neuron: FloatArray
    """Of the network, from 0; NaN of cells that are not of it."""

    def take(self, cells: Any) -> "Fields":
        """Those of some cells."""
        return Fields(*(values[cells] for values in self))

    @classmethod
    def of(cls, table: pl.DataFrame) -> "Fields":
        """From rows of the table TruthResponses."""
        kind = table["kind"].to_numpy().astype(str)
        return cls(kind, *(table[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (*NUMBERS, "neuron")))

    def columns(self) -> dict[str, pl.Series]:
        """As columns of the table TruthResponses."""
        kind = pl.Series(self.kind.tolist(), dtype=pl.String)
        neuron = pl.Series(self.neuron).fill_nan(None).cast(pl.Int32)
        return {"kind": kind, **{name: single(getattr(self, name)) for name in NUMBERS}, "neuron": neuron}


def draw_fields(
    random: np.random.Generator,
    stimulus: StimulusParameters,
    rates: FloatArray,
    images: FloatArray,
    network: "FittedNetwork | None" = None,
) -> Fields:
    """Cells of all kinds whose mean rates over `images` are `rates` (n_cells,), Hz. network: that of fitted cells."""
    cells, shape = len(rates), np.array(images.shape[1:])
    shares = np.array([getattr(stimulus, kind) for kind in KINDS])
    kind = np.array(KINDS)[random.choice(len(KINDS), cells, p=shares / shares.sum())]
    at = (0.5 + CENTRAL * (random.random((cells, 2)) - 0.5)) * (shape - 1)
    size = shape[0] * random.uniform(*SIZES, cells)
    orientation, frequency = 180 * random.random(cells), random.uniform(*CYCLES, cells) / size
    own = (orientation, frequency, size, random.uniform(*ASPECTS, cells), 360 * random.random(cells))
    level = {"gain": np.ones(cells), "baseline": np.zeros(cells), "neuron": np.full(cells, np.nan)}
    fields = Fields(kind, at[:, 0], at[:, 1], *own, **level)
    if network is not None:
        fields = _with_fitted(fields, random, network, images.shape[1:])
    driven = drive(fields, images, network).mean(axis=1)
    spikes = rates * stimulus.duration
    tuned = driven > 0
    evoked = np.where(tuned, 1 - stimulus.spontaneous, 0) * spikes
    return fields._replace(gain=evoked / np.where(tuned, driven, 1), baseline=spikes - evoked)


def _with_fitted(
    fields: Fields, random: np.random.Generator, network: "FittedNetwork", shape: tuple[int, ...]
) -> Fields:
    """The same, with neurons of the network for the fitted cells."""
    rows = np.flatnonzero(fields.kind == FITTED)
    neurons = random.choice(network.count, len(rows), replace=len(rows) > network.count)
    values = {name: np.array(getattr(fields, name)) for name in ("y", "x", *NUMBERS[2:7], "neuron")}
    for name in ("frequency", "size", "aspect", "phase"):
        values[name][rows] = np.nan
    values["y"][rows], values["x"][rows] = network.places(neurons).T
    values["neuron"][rows] = neurons
    values["orientation"][rows] = preferred(lambda shown: network.drive(shown, neurons), shape, network.contrast)
    return fields._replace(**values)


def respond(fields: Fields, images: FloatArray, network: "FittedNetwork | None" = None) -> FloatArray:
    """Mean number of spikes of each cell in the window of each image, (n_cells, n_images)."""
    return fields.baseline[:, None] + fields.gain[:, None] * drive(fields, images, network)


def drive(fields: Fields, images: FloatArray, network: "FittedNetwork | None" = None) -> FloatArray:
    """What excites each cell, (n_cells, n_images), before gain and baseline. network: that of fitted cells."""
    found, fitted = np.zeros((len(fields.kind), len(images))), fields.kind == FITTED
    if fitted.any():
        assert network is not None, "fitted cells are those of a network"
        found[fitted] = network.drive(images, fields.neuron[fitted].astype(np.int64))
    if not fitted.all():
        found[~fitted] = _driven_gabors(fields.take(~fitted), images)
    return found


def _driven_gabors(fields: Fields, images: FloatArray) -> FloatArray:
    even, odd, pool = (bank.reshape(len(bank), -1) for bank in filters(fields, images.shape[1:]))
    found: list[FloatArray] = [np.zeros((len(fields.kind), 0))]
    for start in range(0, len(images), BATCH):
        off = np.asarray(images[start : start + BATCH], np.float64).reshape(-1, even.shape[1]).T - GREY
        found.append(_drive(fields.kind[:, None], even @ off, odd @ off, pool @ off**2))
    return np.concatenate(found, axis=1)


def preferred(predict: Callable[[FloatArray], FloatArray], shape: tuple[int, ...], contrast: float) -> FloatArray:
    """Orientation (n_cells,), degrees, that cells prefer: of gratings of the frequency and phase best for each.

    predict: responses (n_cells, n_images) to images (n_images, Y, X).
    """
    angle, cycles, phase = (part.ravel() for part in np.meshgrid(ANGLES, FREQUENCIES, PHASES, indexing="ij"))
    shown = GREY + contrast * np.sqrt(2) * gratings(shape, angle, cycles, phase)
    best = predict(shown).reshape(-1, len(ANGLES), len(FREQUENCIES) * len(PHASES)).max(axis=2)
    above = best - best.min(axis=1, keepdims=True)
    return np.degrees(np.angle((above**2 * np.exp(2j * np.radians(ANGLES))).sum(axis=1)) / 2) % 180


def _drive(kind: np.ndarray, a: FloatArray, b: FloatArray, power: FloatArray) -> FloatArray:
    """From the outputs of both filters and the square of the contrast around."""
    up = np.maximum(a, 0)
    kinds = [kind == "simple", kind == "complex", kind == "normalised"]
    return np.select(kinds, [up, a**2 + b**2, up / np.sqrt(HALF**2 + power)], 0.0)


def filters(fields: Fields, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gabor filters, those 90° apart, and weights of the pool around (sum 1): (n_cells, Y, X) each.

    Filters have no mean and sums of squares of 1.
    """
    each = Fields(*(values[:, None, None] for values in fields))
    y, x = np.indices(shape, dtype=np.float64)
    y, x, angle = y - each.y, x - each.x, np.radians(each.orientation)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    square = along**2 + (across / each.aspect) ** 2
    envelope = np.exp(-square / (2 * each.size**2))
    wave = 2 * np.pi * each.frequency * along + np.radians(each.phase)
    pool = np.exp(-square / (2 * (SURROUND * each.size) ** 2))
    even, odd = (_balanced(envelope, carrier) for carrier in (np.cos(wave), np.sin(wave)))
    return even, odd, pool / _total(pool)


def _balanced(envelope: FloatArray, carrier: FloatArray) -> FloatArray:
    gabor = envelope * (carrier - _total(envelope * carrier) / _total(envelope))
    return gabor / np.sqrt(_total(gabor**2))


def _total(images: FloatArray) -> FloatArray:
    return images.sum(axis=(-2, -1), keepdims=True)


def best_images(
    fields: Fields, shape: tuple[int, ...], contrast: float, pixel_range: tuple[float, float] = (0.0, 1.0)
) -> FloatArray:
    """The image (n_cells, Y, X) of a mean of grey and that RMS contrast which drives each cell most.

    By ascent along the gradient from the cell's own filter; mean, contrast and range are restored at every step. That
    of an untuned cell is its filter, which is as good as any image. Of cells that are not fitted.
    """
    bank, kind = filters(fields, shape), fields.kind[:, None, None]

    def judged(images: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Drive of each cell by its own image, (n_cells, 1, 1), and its gradient (n_cells, Y, X)."""
        off = images - GREY
        a, b, power = (_total(part) for part in (bank[0] * off, bank[1] * off, bank[2] * off**2))
        below, rising = np.sqrt(HALF**2 + power), (a > 0) * bank[0]
        normalised = rising / below - np.maximum(a, 0) / below**3 * bank[2] * off
        kinds = [kind == "simple", kind == "complex", kind == "normalised"]
        return _drive(kind, a, b, power), np.select(kinds, [rising, 2 * (a * bank[0] + b * bank[1]), normalised], 0.0)

    best = with_contrast(bank[0], GREY, contrast, *pixel_range)
    value, gradient = judged(best)
    step = np.ones_like(value)
    for _ in range(STEPS):
        steepness = np.sqrt((gradient**2).mean(axis=(1, 2), keepdims=True))
        tried = best + step * contrast * gradient / np.where(steepness > 0, steepness, 1)
        tried = with_contrast(tried, GREY, contrast, *pixel_range)
        reached, slope = judged(tried)
        better = reached > value
        best, gradient = np.where(better, tried, best), np.where(better, slope, gradient)
        value, step = np.maximum(reached, value), np.where(better, step, step / 2)
    return best
