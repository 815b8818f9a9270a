"""Scores against the lookahead of online inference."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Lookahead", shared=("boards.html", "svg.css", "boards.css"))
