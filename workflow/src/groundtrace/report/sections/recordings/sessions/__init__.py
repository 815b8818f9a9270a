"""What was simulated."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="What was simulated")
