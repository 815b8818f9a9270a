"""Scores of extraction."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__, title="Extraction", shared=("boards.html", "methods.html", "svg.css", "boards.css", "methods.css")
)
