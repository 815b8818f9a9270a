"""Which statistics of which simulated planes are like the real ones."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Verdict")
