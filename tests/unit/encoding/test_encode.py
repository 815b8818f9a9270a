"""Tables of encoding models, from those of responses."""

import numpy as np
import polars as pl
import pytest

from groundtrace.encoding import tables
from groundtrace.encoding.base import EncodingBackend
from groundtrace.encoding.files import read_fitted, write_fitted
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.encoding.steps import Encoded, Fitted, Shown, Unfitted, encode, fit_or_say, jackknife
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


def fitted(shown: Shown, models: dict[str, EncodingBackend]) -> dict[str, Fitted | Unfitted]:
    return {name: fit_or_say(name, model, shown, PARAMETERS) for name, model in models.items()}


def encoded_by(models: dict[str, EncodingBackend], shown: Shown) -> Encoded:
    return encode(fitted(shown, models), shown, RELIABILITY, PARAMETERS)


@pytest.fixture(scope="module")
def encoded():
    return encoded_by(MODELS, Shown.of(*recorded()))


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
    spread = np.concatenate([stack.std(axis=(1, 2), dtype=float) for stack in stacks])
    assert stacks[0].shape == (2, *SHAPE)
    np.testing.assert_allclose(spread, spread[0], rtol=1e-5)
    np.testing.assert_allclose(encoded.images["rms"], spread[0], rtol=1e-5)


def test_a_cell_without_responses_is_said_and_has_no_scores():
    with pytest.warns(UserWarning, match="1 of 3 cells have no response at all"):
        found = encoded_by({"ln": Linear()}, Shown.of(*recorded(lost=True)))
    assert found.scores.filter(roi=5)["correlation"].is_null().all()
    assert found.scores.filter(roi=7, model="ln")["correlation"].is_not_null().all()
    assert found.inside.is_empty()


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).standard_normal(20)
    left = [np.delete(values, k).mean() for k in range(20)]
    assert jackknife(left) == pytest.approx(values.std(ddof=1) / np.sqrt(20))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_read_from_its_file_is_the_model(name, tmp_path):
    shown = Shown.of(*recorded())
    model = fit_or_say(name, MODELS[name], shown, PARAMETERS)
    write_fitted(tmp_path / "model.pt", model)
    read = read_fitted(tmp_path / "model.pt")
    assert isinstance(model, Fitted)
    assert isinstance(read, Fitted)
    np.testing.assert_array_equal(read.prediction, model.prediction)
    for one, other in zip(read.predict(shown.images), model.predict(shown.images), strict=True):
        np.testing.assert_array_equal(one, other)


UNFIT = {
    "no image": (lambda p, r, i, x: (p.with_columns(image=pl.lit(None, pl.String)), r, i, x), "no presentation shows"),
    "no cell": (lambda p, r, i, x: (p, r.with_columns(accepted=False), i, x), "no ROI is accepted as a cell"),
    "one image": (lambda p, r, i, x: (p.with_columns(image=pl.lit(i[0])), r, i, x), "too few for 2 folds"),
    "nine images": (lambda p, r, i, x: (p.with_columns(image=p["image"].replace({n: None for n in i[9:]})), r, i, x),
                    "images have a response, and a model needs 8"),
    "no response": (lambda p, r, i, x: (p, r.with_columns(response=r["response"] * np.nan), i, x), "no ROI has a resp"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), UNFIT.values(), ids=UNFIT)
def test_where_no_model_can_be_fitted_it_is_said_and_tables_are_empty(change, said):
    with pytest.warns(UserWarning, match=f"model ln: .*{said}.*; "):
        found = encoded_by({"ln": Linear()}, Shown.of(*change(*recorded())))
    assert found.scores.is_empty()
    assert found.images.is_empty()
    validate(tables.Encoding, found.scores)


class Broken(Linear):
    """Refuses the second fold, in which other images are left out than in the first."""

    def fit(self, images, image_of, responses, seed):
        FITS.append(len(image_of))
        if len(FITS) == 2:
            raise InputError("encode: this fold cannot be fitted; show more images")
        return super().fit(images, image_of, responses, seed)


FITS: list[int] = []


def test_a_model_of_which_one_fold_fails_is_left_out_and_the_others_stay():
    FITS.clear()
    with pytest.warns(UserWarning, match="model odd: this fold cannot be fitted"):
        found = encoded_by({"odd": Broken(), "ln": Linear()}, Shown.of(*recorded()))
    assert found.scores["model"].unique(maintain_order=True).to_list() == ["ln", "mean", "oracle"]
