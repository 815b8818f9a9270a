"""The title, and what all scripts of the page share: the columns of the table."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("range.js", "charts.js"))
