"""How much was scored."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("figures.html",))
