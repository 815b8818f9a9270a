"""A z-stack of the tissue around a recording: images at known depths."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError

SUFFIXES = (".tif", ".tiff", ".npy")
FEWEST = 3
"""Planes between which a depth can be interpolated."""


@dataclass(frozen=True)
class StackFile:
    """Where the z-stack of a session stands."""

    path: str
    """Empty where there is none."""
    step: float
    """µm."""


@dataclass(frozen=True)
class ZStack:
    """Images (planes, height, width), float32, evenly spaced in depth."""

    planes: FloatArray
    step: float
    """µm from one plane to the next; positive where later planes lie deeper."""


def stack_shape(path: Path | str) -> tuple[int, ...]:
    """Shape of the array in a file, of which no pixel is read. Raises InputError where it cannot be a z-stack."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{str(path)!r} does not exist")
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"{str(path)!r} is none of {', '.join(SUFFIXES)}")
    try:
        shape = _shape(file)
    except (OSError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InputError(f"{str(path)!r} cannot be read ({error}); save the stack again as TIFF") from None
    if len(shape) not in (3, 4) or shape[0] < FEWEST:
        raise InputError(
            f"{str(path)!r} has the shape {shape}; a z-stack is (planes, height, width) or (planes, frames, height, "
            f"width), with at least {FEWEST} planes and the pixels of the recording"
        )
    return shape


def read_z_stack(given: StackFile, field: tuple[int, int]) -> ZStack:
    """The stack of a file; of several frames of a plane the mean.

    field: (height, width) of the recording. Raises InputError where the stack has another.
    """
    path, step = given.path, given.step
    shape = stack_shape(path)
    if shape[-2:] != field:
        raise InputError(
            f"z_stack: {str(path)!r} has planes of {shape[-2]} x {shape[-1]} px, the recording of {field[0]} x "
            f"{field[1]} px; take the stack with the zoom and the pixels of the recording, or cut it to its field"
        )
    file = Path(path)
    if file.suffix.lower() == ".npy":
        values = np.load(file, allow_pickle=False)
    else:
        import tifffile

        with tifffile.TiffFile(file) as opened:
            values = np.stack([each.asarray() for each in opened.series]).reshape(shape)
    values = values.astype(np.float32)
    return ZStack(values.mean(axis=1) if values.ndim == 4 else values, step)


def _shape(file: Path) -> tuple[int, ...]:
    if file.suffix.lower() == ".npy":
        return np.load(file, mmap_mode="r", allow_pickle=False).shape
    import tifffile

    with tifffile.TiffFile(file) as opened:
        shapes = [each.shape for each in opened.series]
    if len(set(shapes)) > 1:
        raise ValueError(f"its images are of several sizes: {', '.join(map(str, dict.fromkeys(shapes)))}")
    # Planes that were written one after the other are a series each.
    return shapes[0] if len(shapes) == 1 else (len(shapes), *shapes[0])
