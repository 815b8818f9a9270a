"""MAT-files of version 7.3: HDF5 with a header and MATLAB's classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from groundtrace.io import atomic

Node = TypeVar("Node", h5py.Group, h5py.Dataset)
HEADER = b"MATLAB 7.3 MAT-file, HDF5 schema 1.00 ."
BLOCK = 512
"""Bytes before the HDF5 file."""
FLOATS = {"float64": "double", "float32": "single"}
COMPRESSED = 10_000
"""Values from which an array is compressed."""


def write_mat(path: Path | str, variables: Mapping[str, Any]) -> None:
    """Write arrays, numbers, texts, mappings (struct) and sequences or object arrays of these (cell).

    A vector becomes a row. Indices stay as they are, from 0.
    """
    with atomic(path) as temporary:
        with h5py.File(temporary, "w", userblock_size=BLOCK) as file:
            for name, value in variables.items():
                _put(file, name, value)
        with temporary.open("r+b") as file:
            # Text, no subsystem data, version 2.0, and the order of bytes.
            file.write(HEADER.ljust(116) + bytes(8) + b"\x00\x02IM")


def _put(group: h5py.Group, name: str, value: Any) -> h5py.Group | h5py.Dataset:
    if isinstance(value, Mapping):
        struct = group.create_group(name)
        for field, part in value.items():
            _put(struct, field, part)
        return _of_class(struct, "struct")
    if isinstance(value, str):
        found = _array(group, name, np.array([[ord(letter) for letter in value]], np.uint16), "char")
        found.attrs["MATLAB_int_decode"] = np.int32(2)
        return found
    if isinstance(value, np.ndarray) and value.dtype == object:
        return _cell(group, name, list(value))
    array = np.atleast_2d(np.asarray(value))
    if array.dtype == bool:
        found = _array(group, name, array.astype(np.uint8), "logical")
        found.attrs["MATLAB_int_decode"] = np.int32(1)
        return found
    kind = array.dtype.name
    return _array(group, name, array, FLOATS.get(kind, kind))


def _cell(group: h5py.Group, name: str, parts: list[Any]) -> h5py.Dataset:
    """A row of cells: each part lies in `#refs#`, and the cell refers to it."""
    if not parts:
        return _array(group, name, np.zeros((1, 0)), "cell")
    shelf = group.file.require_group("#refs#")
    references = [_put(shelf, f"{name}{index}", part).ref for index, part in enumerate(parts)]
    cells = group.create_dataset(name, (len(parts), 1), h5py.ref_dtype)
    cells[:, 0] = references
    return _of_class(cells, "cell")


def _array(group: h5py.Group, name: str, array: np.ndarray, kind: str) -> h5py.Dataset:
    """MATLAB's first dimension is HDF5's last; an empty array is its shape."""
    if not array.size:
        found = group.create_dataset(name, data=np.array(array.shape, np.uint64))
        found.attrs["MATLAB_empty"] = np.uint8(1)
        return _of_class(found, kind)
    large = {"compression": "gzip"} if array.size >= COMPRESSED else {}
    return _of_class(group.create_dataset(name, data=array.T, **large), kind)


def _of_class(node: Node, kind: str) -> Node:
    node.attrs["MATLAB_class"] = np.bytes_(kind)
    return node
