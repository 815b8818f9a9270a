"""Which recording this is; and what scripts of other sections ask of a page."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__, needs=("acquisition", "frames", "spikes"), shared=("recording.html", "range.js", "charts.js")
)
