"""What NWB files say of a study that its sheets do not."""

import zoneinfo
from typing import Annotated

from pydantic import StringConstraints, field_validator

from groundtrace.section import Section

Person = Annotated[str, StringConstraints(pattern=r"^[^,]+, [^,]+$")]
Doi = Annotated[str, StringConstraints(pattern=r"^(doi:|https?://(dx\.)?doi\.org/)")]


class NwbParameters(Section):
    """NWB files (`snakemake -- nwb`)."""

    time_zone: str | None = None
    """IANA name, as Europe/Zurich, of start times without an offset."""
    experimenter: tuple[Person, ...] = ()
    """`Last, First`."""
    lab: str | None = None
    """Where the recordings were made."""
    institution: str | None = None
    """University or institute."""
    experiment_description: str | None = None
    """What the study is about."""
    keywords: tuple[str, ...] = ("two-photon", "calcium imaging")
    """For a search in an archive."""
    related_publications: tuple[Doi, ...] = ()
    """`doi:…` or `https://doi.org/…`."""
    registered_movie: bool = False
    """With the registered movie, compressed; it is made again where it is not kept."""

    @field_validator("time_zone")
    @classmethod
    def _time_zone_is_known(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                zoneinfo.ZoneInfo(value)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                raise ValueError(f"{value!r} is not a time zone; use an IANA name as Europe/Zurich or UTC") from None
        return value
