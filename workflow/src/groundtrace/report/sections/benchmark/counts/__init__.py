"""Predicted over true numbers of spikes."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Counts", shared=("boards.html", "svg.css", "boards.css"))
