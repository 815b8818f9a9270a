"""The key figures of a recording."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    needs=("acquisition", "raw_quality", "motion_quality", "extraction_quality", "rois", "traces", "spikes"),
    shared=("figures.html",),
)
