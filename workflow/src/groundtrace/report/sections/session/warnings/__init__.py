"""The warnings of all sections."""

from groundtrace.report.section import Section

SECTION = Section(__name__)
