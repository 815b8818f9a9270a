"""Label images: one whole number for each ROI, 0 for none. TIFF, `.npy`, and what Cellpose saves (`_seg.npy`)."""

from pathlib import Path
from typing import cast

import numpy as np
from scipy import ndimage

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.extraction.given.drawn import Drawn
from groundtrace.pickled import read_dict


def read(path: Path, plane: int, planes: int) -> Drawn:
    image = _whole(path, _image(path))
    slices, footprints, names, parted = ndimage.find_objects(image), [], [], []
    for label, place in enumerate(slices, start=1):
        if place is None:
            continue
        own = image[place] == label
        _, parts = cast(tuple[IntArray, int], ndimage.label(own, np.ones((3, 3))))
        if parts > 1:
            parted.append(label)
        y, x = np.nonzero(own)
        y, x = (part + edge.start for part, edge in zip((y, x), place, strict=True))
        footprints.append((y.astype(np.int32), x.astype(np.int32), np.full(len(y), 1 / len(y), np.float32)))
        names.append(f"label {label}")
    if len(footprints) == 1 and parted:
        raise InputError(
            f"{path}: has one label, in several separate parts: it is a mask of all cells together; number them first "
            "(scipy.ndimage.label; in Fiji: MorphoLibJ > Connected Components Labeling)"
        )
    notes = ()
    if parted:
        some = ", ".join(map(str, parted[:8])) + (" …" if len(parted) > 8 else "")
        notes = (f"labels in several separate parts ({some}) are one ROI each; give parts of other cells own labels",)
    return Drawn(footprints, names, (image.shape[0], image.shape[1]), notes=notes)


def _image(path: Path) -> np.ndarray:
    if path.suffix.lower() != ".npy":
        import tifffile

        try:
            return np.asarray(tifffile.imread(path))
        except tifffile.TiffFileError as error:
            raise InputError(f"{path}: cannot be read as TIFF ({error}); save it again") from error
    try:
        return np.load(path, allow_pickle=False)
    except ValueError:
        pass  # Cellpose pickles a dict into its _seg.npy.
    content = read_dict(path, "neither an array nor Cellpose's _seg.npy", "save the label image with numpy.save")
    if not isinstance(masks := content.get("masks"), np.ndarray):
        raise InputError(
            f"{path}: has no array `masks`, as Cellpose's _seg.npy has; it has {', '.join(content) or 'nothing'}"
        )
    return masks


def _whole(path: Path, image: np.ndarray) -> IntArray:
    """The image with whole numbers, or why it is none of labels."""
    if image.ndim != 2:
        raise InputError(f"{path}: has shape {image.shape}; a label image is (height, width), one file for each plane")
    if image.dtype.kind not in "biuf":
        raise InputError(f"{path}: has pixels of type {image.dtype}; a label image has whole numbers")
    if image.dtype.kind == "f" and not (np.isfinite(image).all() and (image == np.rint(image)).all()):
        wrong = image[~(np.isfinite(image) & (image == np.rint(image)))][0]
        raise InputError(f"{path}: has pixels such as {wrong:.6g}; a label image has whole numbers, one for each ROI")
    if image.size and image.min() < 0:
        raise InputError(f"{path}: has the label {image.min():g}; labels are 1, 2, 3 …, and 0 where there is no ROI")
    if image.size and image.max() > image.size:
        raise InputError(f"{path}: has the label {image.max():g}; number the ROIs 1, 2, 3 …")
    return image.astype(np.int64)
