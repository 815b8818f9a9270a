"""What every encoding model promises: images to the responses of cells."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from groundtrace.arrays import BoolArray, FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.needs import Need
from groundtrace.section import Backend

if TYPE_CHECKING:
    from torch import Tensor

FEWEST = 8
"""Images that a model can be fitted to."""
BATCH = 64
"""Images that are looked at together."""


class EncodingModel(ABC):
    """Expected responses of cells to any image of the size that it was fitted to."""

    @abstractmethod
    def response(self, image_batch: "Tensor") -> "Tensor":
        """Responses (n, n_cells), differentiable, to images (n, Y, X) in the units of the stimulus."""

    @property
    def members(self) -> Sequence["EncodingModel"]:
        """Models whose average this one is; itself alone where it is no ensemble."""
        return (self,)

    def predict(self, images: FloatArray) -> FloatArray:
        """Responses (n_cells, n_images), spikes, to images (n_images, Y, X) in the units of the stimulus."""
        import torch

        stack = torch.from_numpy(np.ascontiguousarray(images, np.float32))
        with torch.no_grad():
            parts = [self.response(batch.to(device())).cpu().numpy() for batch in stack.split(BATCH)]
        return np.concatenate(parts).T


class EncodingBackend(Backend):
    """Fits a model of how cells respond to images, to all cells of a session at once."""

    environment: ClassVar[str] = "network"
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "torch")
    need: ClassVar[Need] = Need(1500, seconds=1200)

    side: int = Field(default=64, ge=8, le=512)
    """px; images whose longer side is larger are averaged down to it before the model sees them."""

    def fit(self, images: FloatArray, image_of: IntArray, responses: FloatArray, seed: int) -> EncodingModel:
        """Fit to all images that were shown.

        Parameters
        ----------
        images : (n_images, Y, X)
            In the units of the stimulus.
        image_of : (n_presentations,)
            Row in `images` of what was shown.
        responses : (n_cells, n_presentations)
            Spikes; NaN where there is none. Cells without any get predictions of NaN.
        seed : int
            The same seed gives the same model.

        Raises InputError where there are fewer than 8 images with a response, or shapes do not agree.
        """
        check_shapes(images, image_of, responses)
        trials = Trials.of(image_of, responses, len(images))
        known, shown = (trials.count.sum(axis=axis) > 0 for axis in (1, 0))
        if shown.sum() < FEWEST:
            raise InputError(
                f"encode: {shown.sum()} images have a response, and a model needs {FEWEST}; show more images, or leave "
                "out `encode`"
            )
        some = Trials(trials.mean[known][:, shown], trials.count[known][:, shown])
        with one_thread():
            model = self.fit_means(np.asarray(images[shown], np.float32), some, seed)
        return model if known.all() else _WithUnknown(model, known)

    @abstractmethod
    def fit_means(self, images: FloatArray, trials: "Trials", seed: int) -> EncodingModel:
        """Fit to images (n_images, Y, X) and the trials of cells, each of which has at least one."""


@dataclass(frozen=True)
class Trials:
    """What a Poisson or a squared loss depends on of the trials of each image: their mean and number."""

    mean: FloatArray
    """(n_cells, n_images) spikes; where there is no trial the mean over the cell's other images."""
    count: FloatArray
    """(n_cells, n_images) trials."""

    @classmethod
    def of(cls, image_of: IntArray, responses: FloatArray, n_images: int) -> "Trials":
        from scipy.sparse import csr_array

        known = np.isfinite(responses)
        one = csr_array((np.ones(len(image_of)), (image_of, np.arange(len(image_of)))), (n_images, len(image_of)))
        count, total = ((one @ part.T.astype(np.float64)).T for part in (known, np.where(known, responses, 0)))
        mean = total / np.maximum(count, 1)
        level = (mean * (count > 0)).sum(axis=1) / np.maximum((count > 0).sum(axis=1), 1)
        return cls(np.where(count > 0, mean, level[:, None]), count)

    def scaled(self) -> tuple["Trials", FloatArray, FloatArray]:
        """The same above `base` and divided by `scale`, each (n_cells,): nothing is negative, and cells are alike."""
        base = np.minimum(self.mean.min(axis=1), 0)
        above = self.mean - base[:, None]
        level = above.mean(axis=1)
        scale = np.where(level > 0, level, 1.0)
        return Trials(above / scale[:, None], self.count), base, scale


class _WithUnknown(EncodingModel):
    """A model of some of the cells; of the others nothing is known."""

    def __init__(self, model: EncodingModel, known: BoolArray):
        self.model, self.known = model, known

    @property
    def members(self) -> Sequence[EncodingModel]:
        own = self.model.members
        return (self,) if len(own) == 1 else tuple(_WithUnknown(member, self.known) for member in own)

    def response(self, image_batch: "Tensor") -> "Tensor":
        import torch

        found = self.model.response(image_batch)
        every = torch.full((len(found), len(self.known)), torch.nan, device=found.device)
        every[:, torch.from_numpy(self.known).to(found.device)] = found
        return every


def check_shapes(images: FloatArray, image_of: IntArray, responses: FloatArray) -> None:
    """Raise InputError where images, presentations and responses do not belong together."""
    if images.ndim != 3:
        raise InputError(f"encode: images are of shape {images.shape}; needed is (n_images, Y, X)")
    if responses.ndim != 2 or responses.shape[1] != len(image_of):
        raise InputError(
            f"encode: responses are of shape {responses.shape}, with {len(image_of)} presentations; needed is "
            "(n_cells, n_presentations)"
        )
    if len(image_of) and not 0 <= image_of.min() <= image_of.max() < len(images):
        raise InputError(
            f"encode: presentations show images {image_of.min()} to {image_of.max()}, and there are {len(images)}; "
            "rows are counted from 0"
        )
    if not np.isfinite(images).all():
        raise InputError("encode: images have pixels that are no number; give finite ones")
    if not np.isfinite(responses).any():
        raise InputError("encode: no ROI has a response; look at the windows (`responses`) and the bad frames")


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of several threads come in any order; folds share the threads instead."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def device() -> str:
    """Where models are fitted and asked."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
