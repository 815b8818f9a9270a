"""Each statistic side by side."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Curves", shared=("boards.html", "svg.css", "boards.css"))
