"""Responses to stimuli."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Responses", shared=("boards.html", "svg.css", "boards.css"))
