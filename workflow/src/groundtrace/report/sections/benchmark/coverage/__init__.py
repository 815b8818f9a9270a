"""Coverage of the intervals."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Intervals", shared=("boards.html", "svg.css", "boards.css"))
