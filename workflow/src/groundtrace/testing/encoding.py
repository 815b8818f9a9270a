"""What every encoding model promises."""

from functools import cached_property
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding.base import EncodingBackend, EncodingModel
from groundtrace.encoding.files import read_fitted, write_fitted
from groundtrace.encoding.steps import Fitted
from groundtrace.errors import InputError
from groundtrace.testing.contract import Contract, assert_close, promise

SHAPE = (20, 28)
"""px."""
IMAGES, REPEATS = 100, 9
SEED = 3


class EncodingContract(Contract[EncodingBackend]):
    """Promises of `EncodingBackend`.

    correlation: least median Pearson r of predictions with the true mean responses of simple cells to new images.
    """

    def __init__(self, backend: EncodingBackend, correlation: float = 0.6) -> None:
        super().__init__(backend)
        self.correlation = correlation

    @cached_property
    def model(self) -> EncodingModel:
        return self.fit(*recorded())

    def fit(self, images: FloatArray, image_of: IntArray, responses: FloatArray) -> EncodingModel:
        return self.backend.fit(images, image_of, responses, SEED)

    @promise()
    def new_images_are_predicted_in_spikes(self, folder: Path) -> None:
        new, cells = rough_images(200, seed=9), SimpleCells()
        found, true = self.model.predict(new), cells.rate(new)
        assert found.shape == true.shape, f"predictions have shape {found.shape}, not {true.shape}: cells, images"
        r = np.median(correlations(found, true))
        assert r > self.correlation, (
            f"predictions correlate by {r:.2f} with true responses, {self.correlation} is wanted"
        )
        share = found.mean() / true.mean()
        assert 0.8 < share < 1.25, f"predicted are {share:.2f} of the true spikes"

    @promise()
    def responses_can_be_differentiated_and_are_those_predicted(self, folder: Path) -> None:
        import torch

        from groundtrace.encoding.base import device

        images = rough_images(3, seed=9)
        batch = torch.from_numpy(images).to(device()).requires_grad_(True)
        found = self.model.response(batch)
        (gradient,) = torch.autograd.grad(found.sum(), batch)
        assert bool((gradient.abs().amax((1, 2)) > 0).all()), "the response has no gradient with respect to an image"
        predicted = self.model.predict(images)
        spread = float(np.abs(predicted).max())
        assert_close(found.detach().cpu().numpy().T, predicted, "responses and predictions", within=1e-3 * spread)

    @promise()
    def each_image_is_predicted_independently(self, folder: Path) -> None:
        images = rough_images(70, seed=9)
        together, alone = self.model.predict(images)[:, 5], self.model.predict(images[5:6])[:, 0]
        assert_close(alone, together, "prediction of an image alone", within=1e-3 * float(np.abs(together).max()))

    @promise()
    def the_same_seed_gives_the_same_bytes_and_what_is_given_is_not_changed(self, folder: Path) -> None:
        given = recorded()
        one, two = (model.predict(rough_images(20)) for model in (self.model, self.fit(*given)))
        assert one.tobytes() == two.tobytes(), "a second fit gives another model"
        for name, before, after in zip(("images", "image_of", "responses"), recorded(), given, strict=True):
            assert np.array_equal(before, after), f"{name} were changed"

    @promise()
    def units_of_the_stimulus_do_not_matter(self, folder: Path) -> None:
        images, image_of, responses = recorded()
        new = rough_images(50, seed=9)
        one, two = self.model.predict(new), self.fit(255 * images, image_of, responses).predict(255 * new)
        r = np.min(correlations(one, two))
        assert r > 0.95, f"images from 0 to 255 give other predictions than those from 0 to 1 (r = {r:.2f})"

    @promise()
    def a_cell_without_responses_has_nan_and_harms_no_other(self, folder: Path) -> None:
        images, image_of, responses = recorded()
        lost = np.insert(responses, 1, np.nan, axis=0)
        found, whole = self.fit(images, image_of, lost).predict(images), self.model.predict(images)
        assert np.isnan(found[1]).all(), "a cell without responses has predictions"
        assert np.array_equal(np.delete(found, 1, axis=0), whole), "a cell without responses changes the others"

    @promise()
    def a_missing_trial_is_no_response_of_zero(self, folder: Path) -> None:
        images, image_of, responses = recorded()
        kept = np.where(np.arange(len(image_of)) % 2, np.nan, responses)
        share = self.fit(images, image_of, kept).predict(images).mean() / self.model.predict(images).mean()
        assert 0.8 < share < 1.25, f"with half of the trials missing, predictions are {share:.2f} of those with all"

    @promise("a silent cell", "seven images", "eight flat images")
    def what_tells_nothing_is_answered_or_refused_by_an_input_error(self, folder: Path, case: str) -> None:
        images, image_of, responses = recorded()
        if case == "a silent cell":
            responses = responses * (np.arange(len(responses)) > 0)[:, None]
        else:
            few = image_of < (7 if case == "seven images" else 8)
            images = np.full_like(images, 0.5) if "flat" in case else images
            image_of, responses = image_of[few], responses[:, few]
        try:
            found, said = self.fit(images, image_of, responses).predict(images), ""
        except InputError as error:
            found, said = np.zeros(0), str(error)
        assert not said or case != "a silent cell", f"a silent cell ends the fit of all: {said}"
        assert said or case != "seven images", "seven images are taken for enough"
        assert np.isfinite(found).all(), "predictions are not finite"

    @promise()
    def a_model_can_be_stored(self, folder: Path) -> None:
        images, file = rough_images(20), folder / "model.pt"
        write_fitted(file, Fitted(self.model, [self.model], self.model.predict(images)))
        read = read_fitted(file)
        assert isinstance(read, Fitted)
        assert np.array_equal(read.whole.predict(images), self.model.predict(images)), "a stored model is another one"


def correlations(a: FloatArray, b: FloatArray) -> list[float]:
    """Pearson r of each cell; NaN of one whose predictions do not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return [float(np.corrcoef(*pair)[0, 1]) for pair in zip(a, b, strict=True)]


class SimpleCells:
    """Cells that fire where an image resembles their Gabor."""

    def __init__(self, count: int = 3, seed: int = 0):
        random = np.random.default_rng(seed)
        y, x = np.indices(SHAPE)
        fields = []
        for _ in range(count):
            at_y, at_x = (random.uniform(0.4, 0.6) * size for size in SHAPE)
            angle, phase = random.uniform(0, np.pi), random.uniform(0, 2 * np.pi)
            across = (x - at_x) * np.cos(angle) + (y - at_y) * np.sin(angle)
            envelope = np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 18)
            field = envelope * np.cos(2 * np.pi * 0.12 * across + phase)
            fields.append(field - envelope * field.sum() / envelope.sum())
        self.fields = np.stack([field / np.linalg.norm(field) for field in fields])

    def rate(self, images: FloatArray) -> FloatArray:
        """(n_cells, n_images) spikes."""
        return np.log1p(np.exp(4 * np.einsum("cyx,iyx->ci", self.fields, images - 0.5)))


def rough_images(count: int, shape: tuple[int, int] = SHAPE, seed: int = 0) -> FloatArray:
    """(count, Y, X) noise with most power at low spatial frequencies, from 0 to 1."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).standard_normal((count, *shape))
    rough = np.sum([gaussian_filter(noise, (0, s, s)) * s for s in (0.5, 1, 2, 4)], axis=0)
    return np.clip(0.5 + 0.2 * rough / rough.std(), 0, 1).astype(np.float32)


def recorded() -> tuple[FloatArray, IntArray, FloatArray]:
    """Images, the image of each presentation, and counts (n_cells, n_presentations) of spikes."""
    random, images = np.random.default_rng(1), rough_images(IMAGES)
    image_of = random.permutation(np.repeat(np.arange(IMAGES), REPEATS))
    return images, image_of, random.poisson(SimpleCells().rate(images)[:, image_of]).astype(np.float32)
