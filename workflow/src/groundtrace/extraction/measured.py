"""ROIs of a denoised movie, measured in the movie that it was made from."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from groundtrace.arrays import Movie
from groundtrace.errors import BackendError
from groundtrace.extraction.base import Denoised, Extraction
from groundtrace.movies.noise import read_noise


def measure_beside(found: Extraction, measured: Movie, noise: Path | str, threads: int) -> Extraction:
    """The same ROIs with F and Fneu of the movie `measured`; those of the denoised one stay beside them.

    noise: the file that the rule `denoise` wrote.
    """
    model, mean = read_noise(noise)
    if found.readout is None:
        if len(found.fluorescence):
            raise BackendError(
                "extraction: this backend measures ROIs by more than a weighting of pixels, so that the noise of its "
                "traces is not known after denoising; use extract: transients or suite2p, or denoise: none"
            )
        nothing = np.zeros(0)
        return replace(found, denoised=Denoised(found.fluorescence, found.neuropil, nothing, nothing, model.offset))
    with ThreadPoolExecutor(threads) as pool:
        fluorescence, neuropil = found.readout.measure(measured, pool)
    denoised = Denoised(found.fluorescence, found.neuropil, *found.readout.noise(model, mean), model.offset)
    return replace(found, fluorescence=fluorescence, neuropil=neuropil, denoised=denoised)
