"""What the benchmark of spike inference compares."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("boards.css",))
