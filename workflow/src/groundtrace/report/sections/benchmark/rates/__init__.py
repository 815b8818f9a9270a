"""Scores against the frame rate."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Frame rate", shared=("boards.html", "svg.css", "boards.css"))
