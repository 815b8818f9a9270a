"""Correlations in a simulated population."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Population", shared=("boards.html", "svg.css", "boards.css"))
