"""Dicts of numbers and arrays that `.npy` files hold as pickles, read without running what a stranger put there."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from groundtrace.errors import InputError

NEEDED = ("ndarray", "dtype", "_reconstruct", "scalar", "_frombuffer")
"""What of numpy a pickled dict of numbers and arrays is rebuilt with."""


FAULTS = (pickle.UnpicklingError, ValueError, TypeError, EOFError, AttributeError, LookupError)
"""What a file raises that holds something else."""


def read_dict(path: Path, wrong: str, advice: str) -> dict[str, Any]:
    """The dict in a `.npy`. wrong, advice: what to say of a file that holds none."""
    try:
        return dict(_objects(path).item())
    except FAULTS as error:
        raise InputError(f"{path}: {wrong} ({error}); {advice}") from error


def read_dicts(path: Path, wrong: str, advice: str) -> list[dict[str, Any]]:
    """The dicts in a `.npy` that holds an array of them."""
    try:
        return [dict(item) for item in _objects(path).ravel()]
    except FAULTS as error:
        raise InputError(f"{path}: {wrong} ({error}); {advice}") from error


def _objects(path: Path) -> np.ndarray:
    """It is a pickle, which can run code: nothing but arrays is rebuilt."""
    with path.open("rb") as handle:
        version = npy.read_magic(handle)
        (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(handle)
        return np.asarray(_Careful(handle).load(), object)


class _Careful(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in NEEDED:
            return super().find_class(module, name)
        return _Inert


class _Inert:
    """Stands for any other object of a pickle (dates, paths, what a stranger put there) and does nothing."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...
