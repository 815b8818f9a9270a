"""Which cell was found in which session, and for how long cells are found."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Presence", shared=("boards.html", "svg.css", "boards.css"))
