"""A population that responds to what is shown."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.simulation.activity import MAXIMUM_RATE, SPREAD, Spiking, Windows, evoked_trains
from groundtrace.simulation.parameters import Simulation, StimulusParameters
from groundtrace.simulation.receptive_fields import Fields, draw_fields, respond
from groundtrace.simulation.stimulus import Shown, pixels

if TYPE_CHECKING:
    from groundtrace.simulation.fitted import FittedNetwork

UNEVEN = (0.5, 1.5)
"""How much of the shared gain a cell has, uniform between."""


class Driven(NamedTuple):
    """What is true of the responses of cells."""

    fields: Fields
    expected: FloatArray
    """(n_cells, n_images) mean spikes in the window of each image."""
    variance: FloatArray
    """(n_cells, n_images) of spikes over its presentations."""
    oracle: FloatArray
    """(n_cells,) oracle correlation of the repeated images that infinitely many of them would have."""

    def take(self, cells: Any) -> "Driven":
        """Those of some cells."""
        return Driven(self.fields.take(cells), self.expected[cells], self.variance[cells], self.oracle[cells])


def evoke(
    random: np.random.Generator,
    parameters: Simulation,
    shown: Shown,
    cells: int,
    delay: float,
    start: float,
    stop: float,
) -> tuple[Spiking, Driven]:
    """Spikes in [start, stop), s, and what they follow from. delay: s, of a plane's clock behind the presentations'."""
    stimulus = parameters.stimulus
    assert stimulus is not None
    rates = np.minimum(parameters.rate * np.exp(SPREAD * random.standard_normal(cells)), MAXIMUM_RATE)
    images = pixels(shown.images)
    network = fitted_network(stimulus)
    fields = draw_fields(random, stimulus, rates, images, network)
    loading = stimulus.shared * random.uniform(*UNEVEN, cells)
    expected = respond(fields, images, network)
    onset = shown.presentations["start_time"].to_numpy() + stimulus.latency - delay
    windows = Windows(onset, stimulus.duration, expected[:, shown.order], shown.state)
    gains = (loading, stimulus.private)
    spiking = evoked_trains(random, windows, stimulus.spontaneous * rates, gains, start, stop)
    variance = expected + expected**2 * np.expm1(loading**2 + stimulus.private**2)[:, None]
    return spiking, Driven(fields, expected, variance, true_oracle(expected, variance, stimulus))


def fitted_network(stimulus: StimulusParameters) -> "FittedNetwork | None":
    """The network whose cells are the fitted ones; None without any."""
    if stimulus.network is None:
        return None
    # PyTorch, which other simulations do without.
    from groundtrace.simulation.fitted import FittedNetwork

    return FittedNetwork(stimulus.network, stimulus.contrast)


def true_oracle(expected: FloatArray, variance: FloatArray, stimulus: StimulusParameters) -> FloatArray:
    """Pearson r (n_cells,) of a trial with the mean of the others of its image, over the repeated images.

    expected, variance: (n_cells, n_images) of the spikes of a trial.
    """
    repeated = slice(stimulus.n_images)
    signal, noise = expected[:, repeated].var(axis=1), variance[:, repeated].mean(axis=1)
    return signal / np.sqrt((signal + noise) * (signal + noise / (stimulus.repeats - 1)))
