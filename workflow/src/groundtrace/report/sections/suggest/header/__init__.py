"""What the scores to expect rest on."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("boards.css",))
