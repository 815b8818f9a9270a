"""Cross-validation over images: all presentations of an image are on one side of the split."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.encoding.base import EncodingBackend, EncodingModel, check_shapes, one_thread
from groundtrace.errors import InputError


def image_folds(image_of: IntArray, n_images: int, n_folds: int, seed: int) -> IntArray:
    """(n_images,) fold of each image that was shown, -1 of others; folds are equally large, up to one image.

    Raises InputError where there are fewer images than folds.
    """
    shown = np.unique(image_of)
    if n_folds < 2 or len(shown) < n_folds:
        raise InputError(
            f"encode: {len(shown)} images were shown, too few for {n_folds} folds; lower `folds` (at least 2), or show "
            "more images"
        )
    fold = np.full(n_images, -1)
    fold[np.random.default_rng(seed).permutation(shown)] = np.arange(len(shown)) % n_folds
    return fold


def fit_folds(
    backend: EncodingBackend,
    images: FloatArray,
    image_of: IntArray,
    responses: FloatArray,
    fold: IntArray,
    seed: int,
    threads: int = 1,
) -> list[EncodingModel]:
    """Models, of which model k was fitted to the images outside fold k. Threads change no result."""

    def fit(k: int) -> EncodingModel:
        used = fold[image_of] != k
        return backend.fit(images, image_of[used], responses[:, used], seed)

    with one_thread(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(fit, range(fold.max() + 1)))


def left_out(models: list[EncodingModel], images: FloatArray, fold: IntArray) -> FloatArray:
    """Predictions (n_cells, n_images), of each image by the model that has not seen it; NaN of images in no fold."""
    found = None
    for k, model in enumerate(models):
        own = fold == k
        predicted = model.predict(images[own])
        found = np.full((len(predicted), len(images)), np.nan, np.float32) if found is None else found
        found[:, own] = predicted
    assert found is not None, "there are at least two folds"
    return found


def predict_left_out(
    backend: EncodingBackend,
    images: FloatArray,
    image_of: IntArray,
    responses: FloatArray,
    n_folds: int,
    seed: int,
    threads: int = 1,
) -> FloatArray:
    """Predicted responses (n_cells, n_images) to each image, by models fitted to the images of other folds.

    Arguments are those of `EncodingBackend.fit`; images that were never shown are NaN. Raises InputError where there
    are fewer images than folds.
    """
    check_shapes(images, image_of, responses)
    fold = image_folds(image_of, len(images), n_folds, seed)
    return left_out(fit_folds(backend, images, image_of, responses, fold, seed, threads), images, fold)
