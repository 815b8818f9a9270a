"""The light of the raw movie."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Recording",
    step="ingest",
    needs=("acquisition", "frames", "raw_quality", "traces", "brightness"),
    shared=("range.js", "charts.js"),
)
