"""Which recipe to take under which conditions."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Answers", shared=("boards.html", "svg.css", "boards.css"))
