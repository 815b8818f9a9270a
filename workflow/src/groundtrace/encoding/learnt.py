"""The first network of a session from inside: a table, and pictures for its page."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.encoding import tables
from groundtrace.encoding.base import Trials
from groundtrace.encoding.gallery import contrast_of
from groundtrace.encoding.inside import (
    Units,
    dead,
    directions,
    grams,
    observations,
    readout_channels,
    untrained,
    with_errors,
)
from groundtrace.encoding.mei import most_exciting
from groundtrace.encoding.model import Network
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.encoding.steps import Fitted, Shown
from groundtrace.tables import empty, single

IMAGES = 100
"""Images that layers are looked at with, at most."""


def first_network(fitted: Mapping[str, Fitted]) -> Network | None:
    """A member of the first ensemble of networks."""
    members = (own.whole.members[0] for own in fitted.values())
    # A model of some of the cells has the network inside.
    inner = (getattr(member, "model", member) for member in members)
    return next((member for member in inner if isinstance(member, Network)), None)


def look_inside(
    network: Network, shown: Shown, parameters: EncodingParameters
) -> tuple[pl.DataFrame, dict[str, FloatArray]]:
    """Table Inside and pictures by name, of a network and of the same one untrained."""
    images = shown.images[np.unique(shown.image_of)[:IMAGES]]
    networks = {"trained": network, "untrained": untrained(network, images, parameters.seed)}
    rows, pictures = _recorded(shown), {}
    for name, own in networks.items():
        layers = own.layers(images)
        by = network.layers(images)[-1].mean(axis=(2, 3))
        for number, maps in enumerate(layers):
            values, image = observations(maps)
            # Skips add up: the least value that ELU has is -1 for each layer so far.
            found = with_errors(values, image, floor=-(number + 1.0))
            gram = grams(maps, by)
            counted = {"units": values.shape[1], "dead": int(dead(values).sum()), "separation": gram.separation}
            found |= {key: (float(value), np.nan) for key, value in counted.items()}
            rows += [(name, f"layer {number}", key, *value) for key, value in found.items()]
            pictures[f"gram/{name}/{number}"] = gram.mean
            pictures[f"distance/{name}/{number}"] = gram.distance
            pictures[f"spectrum/{name}/{number}"] = _spectrum(values)
        pictures |= _maximised(own, layers, shown, parameters, name)
        pictures[f"readout/{name}"] = readout_channels(own, images)
    frame = pl.DataFrame(rows, ["network", "part", "statistic", "value", "error"], orient="row")
    frame = frame.with_columns(single(frame[key].to_numpy()).alias(key) for key in ("value", "error"))
    return frame.select(empty(tables.Inside).columns), pictures


def _recorded(shown: Shown) -> list[tuple]:
    """The same statistics of the mean responses of the recorded cells; noise of trials is in them."""
    trials = Trials.of(shown.image_of, shown.responses, len(shown.images))
    known = (trials.count > 0).any(axis=0)
    values = trials.mean[trials.count.any(axis=1)][:, known].T
    if values.shape[1] < 2 or not values.std():
        return []
    found = with_errors(values, np.arange(len(values)))
    return [("recorded", "cells", name, *value) for name, value in found.items()]


def _spectrum(values: FloatArray) -> FloatArray:
    """Shares of variance of the principal components, the largest first."""
    eigen = np.linalg.eigvalsh(np.cov(values[:, ~dead(values)].T))[::-1]
    return np.maximum(eigen, 0) / eigen.sum()


def _maximised(
    network: Network, layers: list[FloatArray], shown: Shown, parameters: EncodingParameters, name: str
) -> dict[str, FloatArray]:
    """Images that maximise units and directions of the last layer, and how much more than any place in the images."""
    values, _ = observations(layers[-1])
    names, chosen = directions(values)
    units = Units(network, len(layers) - 1, chosen)
    asked = (contrast_of(shown.images, parameters), shown.images.shape[1:])
    found = most_exciting(units, range(len(names)), *asked, starts=2, steps=parameters.steps, seed=parameters.seed)
    seen = (values - values.mean(axis=0)) @ chosen.T
    reached = (found.predicted - values.mean(axis=0) @ chosen.T) / seen.std(axis=0)
    return {
        f"maximised/{name}": found.images.astype(np.float32),
        f"maximised_names/{name}": np.array(names),
        f"maximised_reached/{name}": np.column_stack([reached, seen.max(axis=0) / seen.std(axis=0)]),
    }
