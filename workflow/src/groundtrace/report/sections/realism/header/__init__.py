"""What is compared between simulated and real recordings."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("boards.css",))
