"""What of the sample is seen: pixels against spots, and photons against noise (Rupprecht et al. 2021)."""

import math

NOISE = 100 * 0.6744897501960817 * math.sqrt(2)
"""ν of one photon a second: the median absolute difference of neighbouring samples of white noise, %."""


def spots_per_pixel(pixel_size: float, width: float) -> float:
    """Size of a pixel in resolution spots.

    Parameters
    ----------
    pixel_size, width : float
        Of a pixel, and lateral FWHM of the focus, µm.

    Returns
    -------
    float
        Above ½ the image has less detail than the optics (Nyquist); above 1 there is tissue between the lines that no
        line meets.

    Examples
    --------
    >>> spots_per_pixel(1.0, 0.5)
    2.0
    """
    return pixel_size / width


def noise_level_of(photon_rate: float) -> float:
    """Noise level ν of a cell by its photons alone: 95.4 % / √Φ (Rupprecht et al. 2021; Poisson).

    The frame rate does not matter: ν is noise per root of a second.

    Parameters
    ----------
    photon_rate : float
        Φ, photons of the cell's baseline that are counted each second.

    Returns
    -------
    float
        % Hz^(-1/2).

    Examples
    --------
    >>> round(noise_level_of(2000), 2)
    2.13
    """
    return NOISE / math.sqrt(photon_rate)


def photon_rate_of(noise_level: float) -> float:
    """Photons each second that make a noise level, the inverse of `noise_level_of`: (95.4 % / ν)².

    Parameters
    ----------
    noise_level : float
        ν, % Hz^(-1/2).

    Returns
    -------
    float
        1/s.

    Examples
    --------
    >>> round(photon_rate_of(noise_level_of(2000)))
    2000
    """
    return (NOISE / noise_level) ** 2


def shared_noise_level(noise_level: float, cells: float, more_cells: float) -> float:
    """ν where the same laser time is shared among another number of cells: ν √(n' / n).

    A beam is on one cell at a time. Twice the field, at the same size of pixels and half the frame rate or at twice the
    speed and the same frame rate, gives every cell half the photons a second.

    Parameters
    ----------
    noise_level : float
        ν measured, % Hz^(-1/2).
    cells, more_cells : float
        n of the measurement, and n' wanted (or areas of the fields).

    Returns
    -------
    float
        % Hz^(-1/2), as long as photons limit it.

    Examples
    --------
    >>> round(shared_noise_level(1.5, 100, 200), 2)
    2.12
    """
    return noise_level * math.sqrt(more_cells / cells)
