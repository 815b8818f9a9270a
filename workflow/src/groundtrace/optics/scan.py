"""Where the beam is when: the sine of a resonant scanner, and the pulses of the laser."""

import math

COINCIDENCE = 1e-16
"""s within which both photons arrive, as Denk, Strickler & Webb 1990 put it."""


def temporal_fill(spatial_fill: float) -> float:
    """Share of its time that a resonant scanner is inside the image: 2/π asin(F).

    Parameters
    ----------
    spatial_fill : float
        F, width of the image over that of the whole sweep.

    Returns
    -------
    float
        Fraction.

    Examples
    --------
    >>> round(temporal_fill(0.9), 3)
    0.713
    """
    return 2 / math.pi * math.asin(spatial_fill)


def mean_dwell(scanner_rate: float, spatial_fill: float, pixels: float) -> float:
    """Mean dwell time of the pixels of a resonant line: asin(F) / (π f n).

    Parameters
    ----------
    scanner_rate : float
        Resonance f, whole cycles (two lines) a second, Hz.
    spatial_fill : float
        F, width of the image over that of the whole sweep.
    pixels : float
        n of a line.

    Returns
    -------
    float
        s.

    Examples
    --------
    >>> round(1e9 * mean_dwell(7910, 0.9, 512))
    88
    """
    return temporal_fill(spatial_fill) / (2 * scanner_rate * pixels)


def centre_dwell(scanner_rate: float, spatial_fill: float, pixels: float) -> float:
    """Dwell time of a pixel at the centre of a resonant line, where the beam is fastest: F / (π f n).

    Parameters
    ----------
    scanner_rate : float
        Resonance f, whole cycles (two lines) a second, Hz.
    spatial_fill : float
        F, width of the image over that of the whole sweep.
    pixels : float
        n of a line.

    Returns
    -------
    float
        s.

    Examples
    --------
    >>> round(1e9 * centre_dwell(7910, 0.9, 512))
    71
    """
    return spatial_fill / (math.pi * scanner_rate * pixels)


def edge_dwell(scanner_rate: float, spatial_fill: float, pixels: float) -> float:
    """Dwell time of the outermost pixel of a resonant line: (asin(F) - asin(F (1 - 2/n))) / (2 π f).

    Parameters
    ----------
    scanner_rate : float
        Resonance f, whole cycles (two lines) a second, Hz.
    spatial_fill : float
        F, width of the image over that of the whole sweep.
    pixels : float
        n of a line.

    Returns
    -------
    float
        s.

    Examples
    --------
    >>> round(1e9 * edge_dwell(7910, 0.9, 512))
    161
    """
    inner = spatial_fill * (1 - 2 / pixels)
    return (math.asin(spatial_fill) - math.asin(inner)) / (2 * math.pi * scanner_rate)


def peak_speed(scanner_rate: float, field: float, spatial_fill: float) -> float:
    """Speed of the focus of a resonant scanner at the centre of the line: π f s / F.

    Parameters
    ----------
    scanner_rate : float
        Resonance f, whole cycles (two lines) a second, Hz.
    field : float
        Width s of the image, µm.
    spatial_fill : float
        F, width of the image over that of the whole sweep.

    Returns
    -------
    float
        m/s, which is µm/µs.

    Examples
    --------
    >>> round(peak_speed(7910, 600, 0.9), 1)
    16.6
    """
    return math.pi * scanner_rate * field * 1e-6 / spatial_fill


def pulses_per_spot(width: float, speed: float, pulse_rate: float) -> float:
    """Laser pulses while the focus moves by its own width.

    Parameters
    ----------
    width : float
        Lateral FWHM, µm.
    speed : float
        Of the focus, m/s.
    pulse_rate : float
        Repetition rate of the laser, MHz.

    Returns
    -------
    float
        Pulses; below one, part of the tissue meets none.

    Examples
    --------
    >>> round(pulses_per_spot(0.43, 16.6, 80), 1)
    2.1
    """
    return width / speed * pulse_rate


def pulses_per_pixel(dwell: float, pulse_rate: float) -> float:
    """Laser pulses in a pixel.

    Parameters
    ----------
    dwell : float
        s.
    pulse_rate : float
        Repetition rate of the laser, MHz.

    Returns
    -------
    float
        Pulses.

    Examples
    --------
    >>> round(pulses_per_pixel(88e-9, 80), 1)
    7.0
    """
    return dwell * pulse_rate * 1e6


def blur(speed: float, duration: float) -> float:
    """How far the focus moves in a time: of a laser pulse (10⁻¹³ s), or of two photons' coincidence (10⁻¹⁶ s).

    Both are far below an atom's size at any speed that there is: excitation is never blurred by the scan.

    Parameters
    ----------
    speed : float
        m/s.
    duration : float
        s.

    Returns
    -------
    float
        pm.

    Examples
    --------
    >>> round(blur(16.6, 100e-15), 2), round(blur(16.6, COINCIDENCE), 4)
    (1.66, 0.0017)
    """
    return speed * duration * 1e12
