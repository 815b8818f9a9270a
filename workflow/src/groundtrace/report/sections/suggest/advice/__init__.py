"""Which recipe for each recording."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("boards.html", "boards.css"))
