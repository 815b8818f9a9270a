"""Two-photon point spread in a focus without aberrations (Zipfel, Williams & Webb 2003, Nat Biotechnol 21:1369)."""

import math

from groundtrace.errors import InputError

WATER = 1.33
"""Refractive index."""
FWHM = 2 * math.sqrt(math.log(2))
"""Full width at half maximum of exp(-x² / w²), in w."""


def _waists(numerical_aperture: float, wavelength: float, index: float) -> tuple[float, float]:
    """1/e half widths of the squared intensity, lateral and axial, µm (Zipfel, Williams & Webb 2003)."""
    if not 0 < numerical_aperture < index:
        raise InputError(
            f"numerical aperture {numerical_aperture:g} must lie between 0 and the refractive index {index:g}"
        )
    micrometres, na = wavelength / 1e3, numerical_aperture
    lateral = 0.320 / na if na <= 0.7 else 0.325 / na**0.91
    axial = 0.532 / (index - math.sqrt(index**2 - na**2))
    return lateral * micrometres / math.sqrt(2), axial * micrometres / math.sqrt(2)


def lateral_width(numerical_aperture: float, wavelength: float, index: float = WATER) -> float:
    """Lateral FWHM of two-photon excitation (Zipfel, Williams & Webb 2003).

    2 √(ln 2) × 0.320 λ / (√2 NA) for NA ≤ 0.7, and 2 √(ln 2) × 0.325 λ / (√2 NA^0.91) above.

    Parameters
    ----------
    numerical_aperture : float
        Of the excitation (`effective_aperture`), below `index`.
    wavelength : float
        nm.
    index : float
        Refractive index of the immersion.

    Returns
    -------
    float
        µm, of a beam without aberrations: in tissue it is larger.

    Raises
    ------
    InputError
        Where the numerical aperture is none.

    Examples
    --------
    >>> round(lateral_width(0.8, 920), 2), round(lateral_width(0.6, 920), 2)
    (0.43, 0.58)
    """
    return FWHM * _waists(numerical_aperture, wavelength, index)[0]


def axial_width(numerical_aperture: float, wavelength: float, index: float = WATER) -> float:
    """Axial FWHM of two-photon excitation (Zipfel, Williams & Webb 2003).

    2 √(ln 2) × 0.532 λ / √2 / (n - √(n² - NA²)).

    Parameters
    ----------
    numerical_aperture : float
        Of the excitation (`effective_aperture`), below `index`.
    wavelength : float
        nm.
    index : float
        Refractive index n of the immersion.

    Returns
    -------
    float
        µm, of a beam without aberrations: in tissue it is larger.

    Raises
    ------
    InputError
        Where the numerical aperture is none.

    Examples
    --------
    >>> round(axial_width(0.8, 920), 2), round(axial_width(0.6, 920), 2)
    (2.15, 4.03)
    """
    return FWHM * _waists(numerical_aperture, wavelength, index)[1]


def excitation_volume(numerical_aperture: float, wavelength: float, index: float = WATER) -> float:
    """Volume of two-photon excitation, π^(3/2) w_xy² w_z with the 1/e half widths (Zipfel, Williams & Webb 2003).

    Parameters
    ----------
    numerical_aperture : float
        Of the excitation (`effective_aperture`), below `index`.
    wavelength : float
        nm.
    index : float
        Refractive index of the immersion.

    Returns
    -------
    float
        µm³ (femtolitres).

    Raises
    ------
    InputError
        Where the numerical aperture is none.

    Examples
    --------
    >>> round(excitation_volume(0.8, 920), 2)
    0.48
    """
    lateral, axial = _waists(numerical_aperture, wavelength, index)
    return math.pi**1.5 * lateral**2 * axial
