"""A microscope as the config describes it."""

from typing import Annotated, Any

from pydantic import Field, PositiveFloat, field_validator, model_validator

from groundtrace import optics
from groundtrace.errors import InputError
from groundtrace.section import Section

Wavelength = Annotated[float, Field(ge=200, le=3000)]


NWB_ALONE = ("description", "emission_wavelength", "manufacturer", "model")
"""Fields of a microscope that nothing but NWB files says."""


class Microscope(Section):
    """A two-photon microscope. NWB files want its description and wavelengths; the session page computes with the
    optics, and says of what is left out «not known»."""

    description: str | None = None
    """In a sentence."""
    excitation_wavelength: Wavelength | None = None
    """nm."""
    emission_wavelength: Wavelength | None = None
    """nm, of the functional channel."""
    manufacturer: str | None = None
    """Who made it."""
    model: str | None = None
    """Its model, by name or number."""
    objective_maker: str | None = None
    """Maker of the objective, who decides for which tube lens its magnification holds: Nikon, Leica, Mitutoyo,
    Thorlabs (200 mm), Olympus, Evident (180 mm), Zeiss (165 mm)."""
    magnification: PositiveFloat | None = Field(default=None, le=200)
    """Of the objective, as engraved."""
    focal_length: PositiveFloat | None = Field(default=None, le=200)
    """mm, of the objective; empty takes that of its maker and magnification."""
    numerical_aperture: PositiveFloat | None = Field(default=None, le=1.7)
    """Of the objective, as engraved."""
    immersion_index: float = Field(default=optics.WATER, ge=1, le=1.7)
    """Refractive index of the immersion."""
    tube_lens: PositiveFloat | None = None
    """mm, focal length of the tube lens that is in the microscope."""
    scan_lens: PositiveFloat | None = None
    """mm, focal length."""
    scan_angle: PositiveFloat | None = Field(default=None, le=45)
    """± optical degrees (twice those of the mirror) before the scan lens, of the image at zoom 1."""
    beam_diameter: PositiveFloat | None = Field(default=None, le=100)
    """mm (1/e²), at the scanner."""
    spatial_fill: PositiveFloat | None = Field(default=None, le=1)
    """Width of the image over that of the whole sweep of a resonant scanner, where the file does not tell."""
    tunable_lens_power: PositiveFloat | None = None
    """dioptres, range of the power of a tunable lens that is conjugate to the back aperture."""
    tunable_lens_relays: tuple[tuple[PositiveFloat, PositiveFloat], ...] = ()
    """mm, focal lengths of the relays between the tunable lens and the scanner, two each, in the order of the light."""
    repetition_rate: PositiveFloat | None = None
    """MHz, of the laser."""
    pulse_width: PositiveFloat | None = None
    """fs, of a laser pulse at the sample."""

    def optics(self) -> dict[str, Any]:
        """What is told of it that a session page computes with, as plain values."""
        return self.model_dump(mode="json", exclude_unset=True, exclude=set(NWB_ALONE))

    @field_validator("objective_maker")
    @classmethod
    def _maker_is_known(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                optics.tube_length(value)
            except InputError as error:
                raise ValueError(f"{error} (focal_length)") from None
        return value

    @model_validator(mode="after")
    def _aperture_is_possible(self) -> "Microscope":
        if self.numerical_aperture is not None and self.numerical_aperture >= self.immersion_index:
            raise ValueError(
                f"numerical_aperture {self.numerical_aperture:g} must be below immersion_index "
                f"{self.immersion_index:g}; for oil write 1.515"
            )
        return self
