"""Distributions of noise and signal over the ROIs."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__, title="Noise", step="dff", needs=("rois", "traces"), shared=("range.js", "charts.js", "histogram.js")
)
