"""Motion correction by the peak of a phase correlation."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveFloat
from scipy import fft
from scipy.ndimage import fourier_gaussian

from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.moving import Displacement, move_movie
from groundtrace.needs import Need
from groundtrace.notices import notice


class Peak(MotionBackend):
    """Whole pixels, against a mean of frames that is made twice."""

    packages: ClassVar[tuple[str, ...]] = ("example-motion", "numpy", "scipy")
    need: ClassVar[Need] = Need(400, pixel=1000, gigabyte_seconds=60)

    backend: Literal["peak"] = "peak"
    sigma: PositiveFloat = 1.0
    """px, of the Gaussian that frames are smoothed with."""

    def run(self, movie, registered, task) -> Registration:
        template = np.asarray(movie[len(movie) // 2], np.float32)
        for _ in range(2):
            y, x, height = np.array([self._peak(frame, template) for frame in movie], np.float32).T
            template = move_movie(movie, registered, Displacement.rigid(y, x))
        notice("whole_pixels", "shifts are whole pixels; use `phase` for parts of pixels", "note")
        return Registration(Displacement.rigid(y, x), height, template)

    def _peak(self, frame: np.ndarray, template: np.ndarray) -> tuple[float, float, float]:
        """y, x and height of the correlation's peak."""
        product = fft.rfft2(frame - frame.mean()) * np.conj(fft.rfft2(template - template.mean()))
        product /= np.maximum(np.abs(product), 1e-9)
        surface = fft.irfft2(fourier_gaussian(product, self.sigma, frame.shape[1]), frame.shape)
        place = np.array(np.unravel_index(surface.argmax(), frame.shape))
        y, x = np.where(place > np.array(frame.shape) // 2, place - frame.shape, place)
        return y, x, surface.max()
