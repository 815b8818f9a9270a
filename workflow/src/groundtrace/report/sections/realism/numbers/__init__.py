"""The numbers behind the charts."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Numbers")
