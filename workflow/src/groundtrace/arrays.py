"""Array types of the signatures: movies (T, Y, X) in the acquisition's integer type, traces (n_rois, n_frames)."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
ComplexArray = NDArray[np.complexfloating[Any, Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]


class Movie(Protocol):
    """(T, Y, X), usually a `MovieFile`, or an array: what is indexed is in memory, the rest need not be."""

    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> NDArray[Any]: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
