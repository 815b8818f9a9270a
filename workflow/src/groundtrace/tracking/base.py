"""What tracking promises."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from groundtrace.needs import Need
from groundtrace.section import Backend

# The config is read often; what is heavy is imported when a backend runs.
if TYPE_CHECKING:
    from groundtrace.tracking.field import Tracks, Visit


class TrackingBackend(Backend):
    """Finds the ROIs of several sessions that are the same cell."""

    need: ClassVar[Need] = Need(400, pixel=600, trace=1, seconds=60)

    max_rotation: float = Field(default=8.0, ge=0, le=45)
    """Degrees between two sessions that are looked for."""
    max_scale: float = Field(default=0.05, ge=0, le=0.3)
    """Share by which the scales of two sessions may differ."""
    max_shift: PositiveFloat = Field(default=0.25, le=0.9)
    """Share of the field by which two sessions may be shifted."""

    @abstractmethod
    def run(self, visits: "Sequence[Visit]") -> "Tracks":
        """Track the ROIs of sessions, all of one shape; the order of the sessions changes no more than the order of the
        result. One session, and sessions without a ROI, are valid."""
