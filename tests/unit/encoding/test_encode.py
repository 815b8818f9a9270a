"""Tables of encoding models, from those of responses."""

import numpy as np
import polars as pl
import pytest

from groundtrace.encoding import tables
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.encoding.steps import Shown, encode, jackknife
from groundtrace.errors import InputError
from groundtrace.tables import list_column, validate
from tests.unit.encoding.encoding_example import SHAPE, session

MODELS = {
    "ln": Linear(),
    "gabor": Gabor(steps=10),
    "network": EncodingNetwork(channels=3, layers=2, pool=1, members=1, steps=5),
}
PARAMETERS = EncodingParameters(folds=2, cells=2, starts=2, steps=4)


def recorded(lost: bool = False) -> tuple[pl.DataFrame, pl.DataFrame, list[str], np.ndarray]:
    data = session(30, 3, (0, 1, 0))
    ids = [f"patch{i}" for i in range(30)]
    presentations = pl.DataFrame({"image": [ids[i] for i in data.image_of] + [None]})
    values = np.column_stack([data.responses, np.zeros(3, np.float32)])
    values[1] = np.nan if lost else values[1]
    responses = pl.DataFrame({"roi": pl.Series([2, 5, 7], dtype=pl.Int32), "accepted": [True, True, True]})
    return presentations, responses.with_columns(response=list_column(values)), ids, data.images


RELIABILITY = pl.DataFrame({"roi": pl.Series([2, 5, 7], dtype=pl.Int32), "selected": [True, False, True]})


@pytest.fixture(scope="module")
def encoded():
    return encode(MODELS, Shown.of(*recorded()), RELIABILITY, PARAMETERS, 1)


def test_every_table_keeps_its_declaration(encoded):
    validate(tables.Encoding, encoded.scores)
    validate(tables.MostExcitingImages, encoded.images)
    validate(tables.InSilicoResponses, encoded.responses)
    validate(tables.Inside, encoded.inside)


def test_models_stand_beside_controls(encoded):
    assert encoded.scores["model"].unique(maintain_order=True).to_list() == ["ln", "gabor", "network", "mean", "oracle"]
    control = encoded.scores.filter(model="mean")
    assert control["correlation"].is_null().all()
    # By chance it may lie above 0, within its error.
    assert (control["feve"] < 0.05 + 2 * control["feve_error"]).all()
    assert encoded.scores.filter(model="oracle")["correlation"].is_not_null().all()


def test_images_of_selected_cells_are_measured_by_every_model(encoded):
    assert set(encoded.images["roi"]) == {2, 7}
    assert encoded.responses.group_by("roi", "made_by", "image").len()["len"].unique().to_list() == [3]
    assert set(encoded.responses["image"]) == set(tables.KINDS)
    assert encoded.responses["response_error"].is_not_null().all()


def test_all_images_have_the_same_contrast(encoded):
    stacks = [stack for name, stack in encoded.pictures.items() if name.split("/")[0] in tables.KINDS]
    assert len(stacks) == 4 * 3
    spread = np.concatenate([stack.std(axis=(1, 2)) for stack in stacks])
    assert stacks[0].shape == (2, *SHAPE)
    np.testing.assert_allclose(spread, spread[0], rtol=1e-3)
    np.testing.assert_allclose(encoded.images["rms"], spread[0], rtol=1e-3)


def test_a_cell_without_responses_is_said_and_has_no_scores():
    with pytest.warns(UserWarning, match="1 of 3 cells have no response at all"):
        shown = Shown.of(*recorded(lost=True))
    found = encode({"ln": Linear()}, shown, RELIABILITY, PARAMETERS, 1)
    assert found.scores.filter(roi=5)["correlation"].is_null().all()
    assert found.scores.filter(roi=7, model="ln")["correlation"].is_not_null().all()
    assert found.inside.is_empty()


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).standard_normal(20)
    left = [np.delete(values, k).mean() for k in range(20)]
    assert jackknife(left) == pytest.approx(values.std(ddof=1) / np.sqrt(20))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, r, i, x: (p.with_columns(image=pl.lit(None, pl.String)), r, i, x), "no presentation shows an image"),
        (lambda p, r, i, x: (p, r.with_columns(accepted=False), i, x), "no ROI is accepted"),
        (lambda p, r, i, x: (p, r, [f"other{k}" for k in range(30)], x), "has no image 'patch"),
    ],
)
def test_what_cannot_be_encoded_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        Shown.of(*change(*recorded()))


def test_fewer_images_than_folds_is_refused():
    with pytest.raises(InputError, match="too few for 40 folds"):
        encode(MODELS, Shown.of(*recorded()), RELIABILITY, PARAMETERS.model_copy(update={"folds": 40}), 1)
