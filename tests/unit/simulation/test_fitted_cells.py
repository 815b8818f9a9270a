"""Cells of a network that was fitted to real neurons: they answer as it does, and their truth is told."""

from pathlib import Path

import numpy as np
import pytest
import torch

from groundtrace.errors import InputError
from groundtrace.random import stream
from groundtrace.responses.reliability import reliability
from groundtrace.simulation.evoked import evoke
from groundtrace.simulation.fitted import FittedNetwork
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.receptive_fields import Fields, respond
from groundtrace.simulation.stimulus import GREY, pixels, show
from groundtrace.simulation.tables import TruthResponses
from groundtrace.tables import validate

WEIGHTS = "encoder_model/sensorium_sota_model.pth"


@pytest.fixture(scope="module")
def weights(test_data: Path) -> Path:
    if not (test_data / WEIGHTS).is_file():
        pytest.skip(f"{WEIGHTS} is not in the test data")
    return test_data / WEIGHTS


@pytest.fixture(scope="module")
def network(weights) -> FittedNetwork:
    return FittedNetwork(weights, 0.2)


def test_cells_answer_as_the_network_does_and_their_oracle_correlation_is_the_true_one(weights, network):
    stimulus = {"n_images": 12, "repeats": 40, "grey": 0, "simple": 1, "complex": 0, "normalised": 0, "untuned": 0}
    stimulus |= {"fitted": 3, "network": weights}
    parameters = Simulation.model_validate({"frames": 4000, "rate": 4, "stimulus": stimulus})
    shown = show(parameters, "a", 30.0)
    assert shown is not None
    spiking, driven = evoke(stream(3, "cells"), parameters, shown, 12, 0.0, -1.0, 4000 / 30)
    fitted = driven.fields.kind == "fitted"
    assert 0 < fitted.sum() < 12
    images = pixels(shown.images)
    expected = network.drive(images, driven.fields.neuron[fitted].astype(int))
    # The mean is what was drawn; how it depends on the image is the network's.
    standard = [
        (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
        for rows in (expected, driven.expected[fitted])
    ]
    assert standard[0] == pytest.approx(standard[1], abs=1e-9)
    begin = shown.presentations["start_time"].to_numpy() + 0.05
    counts = np.stack([np.searchsorted(t, begin + 0.25) - np.searchsorted(t, begin) for t in spiking.times])
    repeat = np.argsort(np.argsort(shown.order, kind="stable"), kind="stable") % 40
    found = reliability(counts.astype(float), shown.order, repeat)
    assert np.abs(found["oracle"] - driven.oracle)[fitted].mean() < 0.06

    table = validate(TruthResponses, _rows(driven))
    again = Fields.of(table)
    assert respond(again, images, network) == pytest.approx(driven.expected, rel=1e-4, abs=1e-5)
    assert table["size"].is_null().to_numpy().tolist() == fitted.tolist()
    assert table["neuron"].is_null().to_numpy().tolist() == (~fitted).tolist()


def _rows(driven):
    """Rows of TruthResponses, as a plane tells them."""
    import polars as pl

    from groundtrace.tables import list_column, single

    count = len(driven.fields.kind)
    lists = {"response": driven.expected, "deviation": np.sqrt(driven.variance)}
    return pl.DataFrame(
        {"plane": pl.Series([0] * count, dtype=pl.Int32), "roi": pl.Series(range(count), dtype=pl.Int32)}
        | driven.fields.columns()
        | {name: list_column(values.astype(np.float32)) for name, values in lists.items()}
        | {"oracle": single(driven.oracle)}
    )


def test_what_is_outside_the_field_of_a_cell_changes_nothing(network):
    neurons = np.array([5, 700])
    random = np.random.default_rng(0)
    image = GREY + 0.2 * random.standard_normal((36, 64))
    elsewhere = image.copy()
    elsewhere[:, 56:] = GREY
    near, far = network.drive(np.stack([image, elsewhere]), neurons).T
    assert near == pytest.approx(far, rel=1e-5)
    at = network.places(neurons)
    assert ((at > 4) & (at < [31, 59])).all()
    y, x = at[0].round().astype(int)
    image[y - 3 : y + 4, x - 3 : x + 4] = GREY
    assert abs(network.drive(image[None], neurons)[0, 0] - near[0]) > 1e-3


def test_a_gradient_raises_the_response(network):
    image = torch.full((1, 36, 64), GREY).requires_grad_(True)
    before = network.response(image, np.array([11]))
    (gradient,) = torch.autograd.grad(before.sum(), image)
    after = network.response(image + 0.01 * gradient / gradient.std(), np.array([11]))
    assert after > before


def test_a_file_that_is_no_such_network_is_refused(tmp_path):
    (tmp_path / "text.pth").write_text("no weights")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    for name in ("text.pth", "other.pth"):
        with pytest.raises(InputError, match=rf"{name}' is no such network; .* sinzlab/sensorium"):
            FittedNetwork(tmp_path / name, 0.2)
