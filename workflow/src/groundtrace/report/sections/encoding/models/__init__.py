"""Models beside each other."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Models", needs=("encoding", "reliability"), shared=("svg.css", "boards.css"))
