"""Scores against noise."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Noise", shared=("boards.html", "svg.css", "boards.css"))
