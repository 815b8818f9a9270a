"""Scores of denoising."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__, title="Denoising", shared=("boards.html", "methods.html", "svg.css", "boards.css", "methods.css")
)
