"""The settings that Suite2p pickles into `.npy` files, read without running what a stranger put there."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from groundtrace.errors import InputError

NEEDED = ("ndarray", "dtype", "_reconstruct", "scalar", "_frombuffer")
"""What of numpy a pickled dict of numbers and arrays is rebuilt with."""


def read_settings(path: Path) -> dict[str, Any]:
    """The dict in a `.npy` of Suite2p. It is a pickle, which can run code: nothing but arrays is rebuilt."""
    try:
        with path.open("rb") as handle:
            version = npy.read_magic(handle)
            (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(handle)
            content = _Careful(handle).load()
        return dict(np.asarray(content, object).item())
    except (pickle.UnpicklingError, ValueError, TypeError, EOFError) as error:
        raise InputError(
            f"{path}: not Suite2p's settings ({error}); give the rate: load_traces(folder, frame_rate=...)"
        ) from error


class _Careful(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in NEEDED:
            return super().find_class(module, name)
        return _Inert


class _Inert:
    """Stands for any other object of a pickle (dates, paths, what a stranger put there) and does nothing."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...
