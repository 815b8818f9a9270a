"""How much was simulated."""

from groundtrace.report.section import Section

SECTION = Section(__name__, shared=("figures.html",))
