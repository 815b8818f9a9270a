"""Scores with and without the name of the indicator."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Indicator", shared=("boards.html", "svg.css", "boards.css"))
