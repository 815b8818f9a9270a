"""The raster of all cells."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Population",
    step="spikes",
    needs=("acquisition", "traces", "spikes"),
    shared=("range.js", "charts.js"),
)
