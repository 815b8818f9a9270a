"""Noise against population size."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("range.js", "charts.js"))
