"""A row for each session, plane and recipe."""

from groundtrace.report.section import Section

SECTION = Section(__name__)
