"""Pixels of the images that were shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import natural_order
from groundtrace.responses.images import PICTURES, image_ids

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue."""


def read_images(path: Path | str) -> tuple[list[str], FloatArray]:
    """Ids and pixels (n_images, Y, X), single precision, of a stack, a folder or the templates of an NWB file.

    Colours become grey. Raises InputError, naming what is wrong.
    """
    path = Path(path)
    ids = image_ids(path)
    if path.is_dir():
        files = natural_order(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        found = [_grey(_picture(file)) for file in files]
        return ids, _stacked(found, [file.name for file in files], path)
    match path.suffix.lower():
        case ".npy":
            stack = np.load(path, allow_pickle=False)
        case ".npz":
            with np.load(path, allow_pickle=False) as archive:
                stack = archive[archive.files[0]]
        case ".nwb":
            return ids, _templates(path, ids)
        case _:
            import tifffile

            stack = tifffile.imread(path)
            stack = stack[None] if stack.ndim == 2 else stack
    return ids, _grey(stack, stacked=True)


def _grey(pixels: Any, stacked: bool = False) -> FloatArray:
    """Without the axis of colours, if there is one; a fourth colour is transparency."""
    pixels = np.asarray(pixels, np.float32)
    return pixels if pixels.ndim == 2 + stacked else pixels[..., :3] @ LUMA if pixels.shape[-1] >= 3 else pixels[..., 0]


def _picture(file: Path) -> Any:
    import imagecodecs

    try:
        return imagecodecs.imread(file)
    except (ValueError, RuntimeError, OSError) as error:
        raise InputError(f"{file}: cannot be read as a picture: {str(error).splitlines()[0]}") from None


def _stacked(pictures: Sequence[FloatArray], names: Sequence[str], path: Path) -> FloatArray:
    for name, picture in zip(names, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise InputError(
                f"{path}: {name} has {picture.shape[0]} × {picture.shape[1]} px, and {names[0]} "
                f"{pictures[0].shape[0]} × {pictures[0].shape[1]}; a model needs images of one size: save all as they "
                "were on the screen"
            )
    return np.stack(pictures)


def _templates(path: Path, ids: Sequence[str]) -> FloatArray:
    import h5py

    with h5py.File(path, "r") as file:
        found: Any = file["stimulus/templates"]
        items: list[Any] = [item for item in found.values() if isinstance(item, h5py.Group)]
        for item in items:
            if "data" in item:
                return _grey(item["data"][:], stacked=True)
        pictures = {name: _grey(part[:]) for item in items for name, part in item.items() if name in ids}
    return _stacked([pictures[name] for name in ids], ids, path)
