"""What the page is about, and what a prediction is not."""

from groundtrace.report.section import Section

SECTION = Section(__name__)
