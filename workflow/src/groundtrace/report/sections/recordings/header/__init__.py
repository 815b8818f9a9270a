"""What the benchmark on simulated recordings compares."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("boards.css",))
