"""Map, traces and the selected ROI."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Cells",
    step="extract",
    needs=(
        "acquisition",
        "shifts",
        "motion_images",
        "extraction_images",
        "extraction_quality",
        "rois",
        "traces",
        "spikes",
    ),
    shared=("footprints.js", "range.js", "charts.js", "player.js", "player.css"),
)
