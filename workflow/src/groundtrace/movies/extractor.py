"""Movies of microscope makers that are read through roiextractors.

Tested on recordings written by the test suite in each maker's layout (Inscopix: where its `isx` package is
installed); no file of a real microscope of these makers was at hand.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.movies.raw import Metadata, Raw

READ_BYTES = 2**25
"""Asked of an extractor at a time."""


class ExtractorRaw(Raw):
    """One roiextractors imaging extractor per channel."""

    def __init__(self, path: Path, extractors: Sequence[Any], metadata: Metadata):
        self._extractors = extractors
        first = extractors[0]
        self._lead = first.get_num_samples(), metadata.planes or 1, len(extractors)
        height, width = (int(size) for size in first.get_image_shape())
        super().__init__(
            path,
            frames=int(np.prod(self._lead)),
            image=(height, width),
            dtype=np.dtype(first.get_dtype()),
            metadata=metadata,
        )

    def read(self, frames: IntArray, out: NDArray[Any]) -> None:
        times, planes, channels = np.unravel_index(frames, self._lead)
        # Extractors read all planes of a time at once: fewer times per call keep the memory the same.
        size = max(1, READ_BYTES // (out[0].nbytes * self._lead[1]))
        for start in range(0, len(out), size):
            first, last = int(times[start]), int(times[min(start + size, len(out)) - 1])
            series = {
                channel: self._extractors[channel].get_series(first, last + 1)
                for channel in np.unique(channels[start : start + size])
            }
            for position in range(start, min(start + size, len(out))):
                image = series[channels[position]][times[position] - first]
                out[position] = image if image.ndim == 2 else image[..., planes[position]]
