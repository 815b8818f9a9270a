"""Checks of a backend that anyone may bring, a function for each stage.

Each takes a backend with its parameters, and raises AssertionError with the first promise that is broken, and how:

    from groundtrace.testing import check_motion

    check_motion(Centroid())

The same promises are tests of groundtrace's own backends.
"""

from groundtrace.denoising.base import DenoisingBackend
from groundtrace.encoding.base import EncodingBackend
from groundtrace.extraction.base import ExtractionBackend
from groundtrace.motion.base import MotionBackend
from groundtrace.spikes.base import SpikeBackend
from groundtrace.testing.denoising import DenoisingContract
from groundtrace.testing.encoding import EncodingContract
from groundtrace.testing.extraction import ExtractionContract
from groundtrace.testing.motion import MotionContract
from groundtrace.testing.spikes import SpikeContract


def check_motion(backend: MotionBackend) -> None:
    """Register small movies of known motion; half a minute for a fast backend.

    Examples
    --------
    How well motion is found is for the benchmark to say: a backend that moves nothing keeps all promises.

    >>> from groundtrace.motion.none import NoMotion
    >>> from groundtrace.testing import check_motion
    >>> check_motion(NoMotion())
    """
    MotionContract(backend).check()


def check_denoising(backend: DenoisingBackend) -> None:
    """Denoise small movies of known cells.

    Examples
    --------
    >>> from groundtrace.denoising.boxcar import Boxcar
    >>> from groundtrace.testing import check_denoising
    >>> check_denoising(Boxcar(frames=9))
    >>> check_denoising(Boxcar(frames=3))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AssertionError: Boxcar breaks the promise ... of the noise is left where nothing happens, 40 % is allowed
    """
    DenoisingContract(backend).check()


def check_extraction(backend: ExtractionBackend) -> None:
    """Find the cells of small movies of all sizes, and of one with 100,000 frames; minutes.

    Examples
    --------
    >>> from groundtrace.extraction.transients import Transients
    >>> from groundtrace.testing import check_extraction
    >>> check_extraction(Transients(diameter_px=40))
    Traceback (most recent call last):
    AssertionError: Transients breaks the promise footprints_lie_in_the_field_and_sum_to_one: no ROI is found
    """
    ExtractionContract(backend).check()


def check_spikes(backend: SpikeBackend, correlation: float = 0.9, counts: tuple[float, float] = (0.5, 2.0)) -> None:
    """Infer simulated spikes.

    Parameters
    ----------
    correlation : float
        Least Pearson r of inferred and true spikes, both smoothed by 50 ms.
    counts : (float, float)
        Between which the number of inferred spikes over that of true ones must lie.

    Examples
    --------
    >>> from groundtrace.spikes.oasis import Oasis
    >>> from groundtrace.testing import check_spikes
    >>> check_spikes(Oasis(), counts=(0.4, 2.0))
    """
    SpikeContract(backend, correlation, counts).check()


def check_encoding(backend: EncodingBackend, correlation: float = 0.6) -> None:
    """Fit simple cells whose receptive fields are known.

    Parameters
    ----------
    correlation : float
        Least median Pearson r of predicted with true responses to images that were not shown.

    Examples
    --------
    >>> from groundtrace.encoding.linear import Linear
    >>> from groundtrace.testing import check_encoding
    >>> check_encoding(Linear())
    """
    EncodingContract(backend, correlation).check()
