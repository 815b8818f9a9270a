"""How fast the light fades."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Bleaching", needs=("bleaching",))
