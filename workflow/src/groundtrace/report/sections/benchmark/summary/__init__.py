"""What a user gets, by indicator and noise level."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="What you get", shared=("boards.html", "boards.css"))
