"""Each data set."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Data sets", shared=("boards.html", "svg.css", "boards.css"))
