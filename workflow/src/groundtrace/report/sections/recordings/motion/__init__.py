"""Scores of motion correction."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__, title="Motion correction", shared=("boards.html", "methods.html", "svg.css", "boards.css", "methods.css")
)
