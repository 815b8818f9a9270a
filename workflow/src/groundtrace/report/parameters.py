"""Parameters of the reports."""

from pydantic import Field, PositiveFloat, PositiveInt

from groundtrace.section import Section


class ReportParameters(Section):
    """HTML reports."""

    trace_points: PositiveInt = Field(default=2000, ge=200, le=5000)
    """Points per trace in the overview of the trace browser; fewer when a page with very many ROIs would grow beyond
    10 MB."""
    trace_bytes: PositiveInt = Field(default=5_000_000, le=6_000_000)
    """Space for traces at full resolution in one page, bytes; the ROIs with the highest SNR come first."""
    noise_level_warning: float = Field(default=8.0, gt=0)
    """Median ν above which a recording is warned about, % Hz^-1/2."""
    accuracy: float = Field(default=0.6, gt=0, lt=1)
    """Correlation with the true spike rate that you need: reports count the cells expected to reach it, and warn when
    most do not."""
    rate_warning: PositiveFloat = 30.0
    """Mean spike rate above which a cell is called implausible, Hz."""
    residual_motion_warning: PositiveFloat = 1.0
    """Displacement left after registration (root mean square) above which a recording is warned about, px."""
    bad_frames_warning: float = Field(default=0.05, ge=0, le=1)
    """Share of bad frames above which a recording is warned about, fraction."""
    saturation_warning: float = Field(default=1e-4, ge=0, le=1)
    """Share of saturated pixels above which a recording is warned about, and a frame is marked, fraction."""
    bleaching_warning: PositiveFloat = 0.2
    """Change of brightness from the first to the last tenth of a recording that is warned about, fraction."""
    few_cells: int = Field(default=10, ge=0)
    """Accepted cells below which a recording is remarked on."""
    signal_frames: PositiveFloat = 2.0
    """Frames per decay time of the indicator below which the frame rate is called too low."""
