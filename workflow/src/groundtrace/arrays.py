"""Array types of the signatures: movies (T, Y, X) in the acquisition's integer type, traces (n_rois, n_frames)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
ComplexArray = NDArray[np.complexfloating[Any, Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
Movie = NDArray[np.integer[Any]]
"""(T, Y, X), usually a memory map."""
