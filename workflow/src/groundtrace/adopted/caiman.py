"""A CaImAn result: HDF5 with the group `estimates`, written by cnm.save."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtrace.adopted.base import WEIGHT, Adopted
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint

if TYPE_CHECKING:
    import h5py

PARTS = ("C", "YrA", "b", "f", "A/data", "A/indices", "A/indptr", "A/shape")
"""What fluorescence is put together from."""


def read(path: Path, plane: int = 0, planes: int = 1) -> Adopted:
    with opened(path) as (file, estimates):
        return _read(path, file, estimates)


@contextmanager
def opened(path: Path) -> "Iterator[tuple[h5py.File, h5py.Group]]":
    """The file, and its group `estimates`."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if not isinstance(estimates := file.get("estimates"), h5py.Group):
                raise InputError(f"{path}: no group estimates: not a CaImAn result; save it with cnm.save('...hdf5')")
            yield file, estimates
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error})") from error


def _read(path: Path, file: "h5py.File", estimates: "h5py.Group") -> Adopted:
    light, dff = traces(path, estimates)
    a = components(estimates)
    if a is None:
        raise InputError(f"{path}: has no components (estimates/A); run CNMF in CaImAn and save again")
    count, shape, likely = a.shape[1], field_of(path, file, estimates, a), numbers(estimates, "cnn_preds")
    return Adopted(
        "CaImAn",
        footprints(a, shape),
        [f"component {number}" for number in range(count)],
        np.isin(np.arange(count), chosen(estimates, count)),
        shape,
        rate(file),
        light,
        dff=dff,
        probability=likely if likely is not None and likely.shape == (count,) else None,
        images=images(estimates, a, shape),
    )


def traces(path: Path, estimates: "h5py.Group") -> tuple[FloatArray | None, FloatArray | None]:
    """Fluorescence and dF/F (n_rois, n_frames), those that there are; raises InputError when there is neither."""
    light, dff = fluorescence(estimates), numbers(estimates, "F_dff")
    if light is None and dff is None:
        missing = ", ".join(name for name in PARTS if numbers(estimates, name) is None)
        raise InputError(
            f"{path}: neither F_dff nor all of C, YrA, A, b, f (missing: {missing}), and without the "
            "background there is no dF/F; run cnm.estimates.detrend_df_f() in CaImAn and save again"
        )
    return light, dff


def chosen(estimates: "h5py.Group", count: int) -> IntArray:
    """Numbers of the accepted components; all where CaImAn judged none."""
    found = numbers(estimates, "idx_components")
    return np.arange(count) if found is None else np.atleast_1d(found).astype(np.int64)


def rate(file: "h5py.File") -> float | None:
    """Hz."""
    found = numbers(file, "params/data/fr")
    return None if found is None else float(np.ravel(found)[0])


def components(estimates: "h5py.Group") -> Any:
    """A, a sparse array (pixels, components), pixels column by column; None where it is not there."""
    from scipy.sparse import csc_array

    data, indices, indptr, size = (numbers(estimates, name) for name in PARTS[-4:])
    if data is None or indices is None or indptr is None or size is None:
        return None
    return csc_array((data, indices, indptr), shape=(int(size[0]), int(size[1])))


def field_of(path: Path, file: "h5py.File", estimates: "h5py.Group", a: Any) -> tuple[int, int]:
    """(height, width) px."""
    for dims in (numbers(estimates, "dims"), numbers(file, "dims"), numbers(file, "params/data/dims")):
        if dims is not None and len(dims) == 2 and int(np.prod(dims)) == a.shape[0]:
            return int(dims[0]), int(dims[1])
    raise InputError(
        f"{path}: has no frame size (dims) of two sides that agrees with {a.shape[0]} pixels; save it again with "
        "cnm.save (volumes are not read)"
    )


def fluorescence(estimates: "h5py.Group") -> FloatArray | None:
    """C + YrA over the median background under each footprint, without the background's own changes: (n_rois,
    n_frames), or None where not all is there.

    C is what footprint A adds: A C in pixels, so background b f projects onto it as Aᵀ b f / ‖A‖².
    """
    a, (c, rest, b, f) = components(estimates), (numbers(estimates, name) for name in PARTS[:4])
    if a is None or c is None or rest is None or b is None or f is None:
        return None
    background = (a.T @ b) @ f / np.asarray(a.multiply(a).sum(axis=0)).ravel()[:, None]
    return c + rest + np.median(background, axis=1, keepdims=True)


def footprints(a: Any, shape: tuple[int, int]) -> list[Footprint]:
    found = []
    for first, last in zip(a.indptr[:-1], a.indptr[1:], strict=True):
        places, weight = a.indices[first:last], np.asarray(a.data[first:last], np.float32)
        kept = weight >= WEIGHT * weight.max(initial=0)
        x, y = np.divmod(places[kept], shape[0])  # CaImAn's pixels run down the columns
        found.append(
            (y.astype(np.int32), x.astype(np.int32), weight[kept] / max(weight[kept].sum(), np.float32(1e-12)))
        )
    return found


def images(estimates: "h5py.Group", a: Any, shape: tuple[int, int]) -> dict[str, FloatArray]:
    """The mean movie as the model has it, and CaImAn's correlation image."""
    found: dict[str, Any] = {}
    c, b, f = (numbers(estimates, name) for name in ("C", "b", "f"))
    if c is not None and b is not None and f is not None:
        mean = a @ c.mean(axis=1) + b @ f.mean(axis=1)
        found["mean"] = mean.reshape(shape, order="F").astype(np.float32)
    if (image := numbers(estimates, "Cn")) is not None and image.shape == shape:
        found["correlation"] = image.astype(np.float32)
    return found


def numbers(group: "h5py.Group", name: str) -> np.ndarray | None:
    """Numbers of a dataset; CaImAn writes None as text."""
    import h5py

    found = group.get(name)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu" or found.size == 0:
        return None
    return np.asarray(found[()])
