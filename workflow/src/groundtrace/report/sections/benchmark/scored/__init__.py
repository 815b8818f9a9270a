"""What was scored and what was not."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="What was scored")
