"""What the microscope did, in numbers with their formulas, and what another field or number of cells would cost."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Microscope",
    step="ingest",
    needs=("acquisition", "raw_quality", "rois", "traces", "spikes"),
    shared=("range.js", "charts.js"),
)
