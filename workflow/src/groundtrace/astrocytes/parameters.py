"""Parameters of the events of astrocytes."""

from pydantic import Field, PositiveFloat

from groundtrace.section import Section


class EventParameters(Section):
    """Events of astrocytes (sessions with `preparation` astrocyte), from the registered movie."""

    frame: PositiveFloat = 0.25
    """s; frames are averaged over so long."""
    pixel: PositiveFloat = 2.0
    """µm (px where the pixel size is not known); pixels are averaged over so much, and smoothed as far."""
    baseline: PositiveFloat = 60.0
    """s, of the window in which the baseline of a pixel is the 20th percentile."""
    threshold: float = Field(default=2.5, ge=1, le=10)
    """Standard deviations of a pixel's noise above its baseline from which light belongs to an event."""
    false_events: PositiveFloat = 0.1
    """Events a minute, in the whole field, that noise alone may make; how large an event must be follows."""
