"""Scores of single spike times."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Spike times", shared=("boards.html", "svg.css", "boards.css"))
