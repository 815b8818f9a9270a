"""Which recording this is; and what all scripts of the page share: its ROIs, its time, its marked frames."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    needs=("acquisition", "frames", "shifts", "rois", "traces", "spikes"),
    shared=("recording.html", "range.js", "charts.js"),
)
