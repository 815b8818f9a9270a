"""Recipes, from raw movie to spike rate."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__, title="Recipes", shared=("boards.html", "methods.html", "svg.css", "boards.css", "methods.css")
)
