"""Traces and rates of one cell in all sessions."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Traces")
