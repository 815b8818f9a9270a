"""The warnings of all sessions, kind by kind."""

from groundtrace.report.section import Section

SECTION = Section(__name__)
