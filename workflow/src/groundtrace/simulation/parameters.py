"""Parameters of a simulated recording; frame rate, pixel size, indicator and planes come from the sample sheet."""

from pydantic import Field, NonNegativeFloat, PositiveFloat

from groundtrace.section import Section


class Simulation(Section):
    """A recording whose truth is known."""

    seed: int = Field(default=0, ge=0)
    """Same seed, session and parameters: the same movie, byte for byte."""
    frames: int = Field(default=1000, ge=2)
    """Per plane."""
    height: int = Field(default=128, ge=8)
    """px."""
    width: int = Field(default=128, ge=8)
    """px."""
    density: PositiveFloat = 1500.0
    """Cells in the section, per mm²."""
    photons: PositiveFloat = 10.0
    """Mean photons per pixel and frame."""
    rate: PositiveFloat = 0.8
    """Median firing rate over cells, Hz (log-normal over cells)."""
    motion: NonNegativeFloat = 2.0
    """Standard deviation of the rigid displacement along each axis, µm."""
    nonrigid: NonNegativeFloat = 0.5
    """Standard deviation of the smooth displacement beyond the rigid one, µm; 0 makes the motion rigid."""
    bleaching: float = Field(default=0.02, ge=0, lt=1)
    """Share of the fluorescence lost over the recording."""
    contamination: float = Field(default=0.7, ge=0, le=1)
    """Share of the surrounding neuropil's light that is also seen at a soma."""
    neuropil_activity: NonNegativeFloat = 0.05
    """Standard deviation of the neuropil's fluorescence over its mean."""
    gain: PositiveFloat = 100.0
    """Detector units per photon."""
    excess_noise: float = Field(default=1.2, ge=1)
    """Variance of the amplified photon signal over that of photon counting; 1 counts photons."""
    offset: float = Field(default=200.0, ge=-32768, le=32767)
    """Detector units at zero photons."""
    read_noise: NonNegativeFloat = 20.0
    """Standard deviation of the electronic noise, detector units."""
