"""Parameters of responses to stimuli."""

from typing import Annotated

from pydantic import Field, PositiveFloat

from groundtrace.section import Section


class ResponseParameters(Section):
    """Responses to stimuli, of sessions whose sheet has the column `stimuli`."""

    latency: Annotated[float, Field(ge=-10, le=10)] = 0.05
    """From the start of a presentation to that of its window, s."""
    duration: PositiveFloat | None = None
    """Of the window, s; empty takes that of the presentation."""
    coverage: float = Field(default=0.9, gt=0, le=1)
    """Share of the window that usable frames must cover; a presentation with less has no response. What is missing
    counts at the mean rate of the rest."""
    conditions: tuple[str, ...] | None = None
    """Columns, besides `stimulus` and `image`, that say what was shown. Empty takes those with numbers that vary and
    come back. Presentations that agree in all of them are repeats."""
    permutations: int = Field(default=199, ge=19, le=99_999)
    """Of the labels of presentations, for the p of any tuning; the least p is 1 / (permutations + 1)."""
    oracle_percentile: float = Field(default=60.0, ge=0, lt=100)
    """A cell is selected above this percentile of the cells' oracle correlations, and above the next of their
    variances; never with an oracle correlation of 0 or less."""
    variance_percentile: float = Field(default=50.0, ge=0, lt=100)
    """Of the variances of mean responses."""
