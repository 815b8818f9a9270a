"""Which field, and how many of its cells were found again."""

from groundtrace.report.section import Section

SECTION = Section(__name__, step="tracks", shared=("figures.html",))
