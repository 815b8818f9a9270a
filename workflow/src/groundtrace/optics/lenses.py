"""Objective, field of view, beam and tunable lens: geometrical optics of thin lenses."""

import math
from collections.abc import Iterable

from groundtrace.errors import InputError, did_you_mean
from groundtrace.optics.focus import WATER

TUBE_LENGTHS = {
    "nikon": 200.0,
    "leica": 200.0,
    "mitutoyo": 200.0,
    "thorlabs": 200.0,
    "olympus": 180.0,
    "evident": 180.0,
    "zeiss": 165.0,
}
"""mm: focal length of the tube lens with which a maker's objectives have the magnification engraved on them."""


def tube_length(maker: str) -> float:
    """Focal length of the tube lens that a maker's magnifications are meant for.

    Parameters
    ----------
    maker : str
        Maker of the objective; one of `TUBE_LENGTHS`, in any case.

    Returns
    -------
    float
        mm.

    Raises
    ------
    InputError
        Where the maker is not known; give the focal length of the objective instead.

    Examples
    --------
    >>> tube_length("Nikon")
    200.0
    """
    found = TUBE_LENGTHS.get(maker.lower())
    if found is None:
        raise InputError(
            f"objective maker {maker!r} is not known; known are {', '.join(TUBE_LENGTHS)}"
            f"{did_you_mean(maker.lower(), TUBE_LENGTHS)}; or give the focal length of the objective"
        )
    return found


def objective_focal_length(tube_length: float, magnification: float) -> float:
    """Focal length of an objective: f_o = f_maker / M.

    Parameters
    ----------
    tube_length : float
        Of the tube lens of its maker, mm; the tube lens of the microscope at hand does not matter.
    magnification : float
        As engraved.

    Returns
    -------
    float
        mm.

    Examples
    --------
    >>> objective_focal_length(200, 16)
    12.5
    """
    return tube_length / magnification


def field_of_view(scan_angle: float, objective: float, scan_lens: float, tube_lens: float) -> float:
    """Side of the scanned field: s = 2 tan(α) f_o f_s / f_t.

    Parameters
    ----------
    scan_angle : float
        ±α of the beam before the scan lens, optical degrees.
    objective, scan_lens, tube_lens : float
        Focal lengths, mm.

    Returns
    -------
    float
        µm.

    Examples
    --------
    >>> round(field_of_view(7.5, objective=12.5, scan_lens=50, tube_lens=200))
    823
    """
    return 2e3 * math.tan(math.radians(scan_angle)) * objective * scan_lens / tube_lens


def beam_at_back_aperture(beam: float, scan_lens: float, tube_lens: float) -> float:
    """Diameter of the beam at the back aperture of the objective: d f_t / f_s.

    Parameters
    ----------
    beam : float
        Diameter (1/e²) at the scanner, mm.
    scan_lens, tube_lens : float
        Focal lengths, mm.

    Returns
    -------
    float
        mm.

    Examples
    --------
    >>> beam_at_back_aperture(4, scan_lens=50, tube_lens=200)
    16.0
    """
    return beam * tube_lens / scan_lens


def back_aperture(numerical_aperture: float, objective: float) -> float:
    """Diameter of the back aperture of an objective: 2 NA f_o.

    Parameters
    ----------
    numerical_aperture : float
        As engraved.
    objective : float
        Focal length, mm.

    Returns
    -------
    float
        mm.

    Examples
    --------
    >>> back_aperture(0.8, 12.5)
    20.0
    """
    return 2 * numerical_aperture * objective


def effective_aperture(numerical_aperture: float, fill: float) -> float:
    """Numerical aperture of the excitation: NA × min(1, fill).

    A beam narrower than the back aperture makes the cone of a smaller lens. Detection keeps the whole NA.

    Parameters
    ----------
    numerical_aperture : float
        Of the objective.
    fill : float
        Diameter (1/e²) of the beam over that of the back aperture.

    Returns
    -------
    float
        Without unit.

    Examples
    --------
    >>> round(effective_aperture(0.8, 16 / 20), 2)
    0.64
    """
    return numerical_aperture * min(1.0, fill)


def lens_range(
    power: float,
    objective: float,
    scan_lens: float,
    tube_lens: float,
    relays: Iterable[tuple[float, float]] = (),
    index: float = WATER,
) -> float:
    """Axial range of a tunable lens that is conjugate to the back aperture: Δz = n P f_o² / m².

    The lens is imaged onto the back aperture, magnified by m = f_t / f_s × Π (second / first lens of each relay), so
    that the curvature it gives the beam arrives divided by m² (Newton's equation of a lens).

    Parameters
    ----------
    power : float
        Range of its power P, dioptres (1/m).
    objective, scan_lens, tube_lens : float
        Focal lengths, mm.
    relays : iterable of (float, float)
        Focal lengths of each relay between the tunable lens and the scanner, in the order of the light, mm.
    index : float
        Refractive index n of the immersion.

    Returns
    -------
    float
        µm.

    Examples
    --------
    >>> round(lens_range(7, objective=12.5, scan_lens=50, tube_lens=200))
    91
    >>> round(lens_range(7, objective=12.5, scan_lens=50, tube_lens=200, relays=[(200, 100)]))
    364
    """
    magnification = tube_lens / scan_lens * math.prod(second / first for first, second in relays)
    return index * power * objective**2 / magnification**2
