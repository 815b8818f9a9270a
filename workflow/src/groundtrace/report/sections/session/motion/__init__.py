"""Raw beside registered, and the displacement over time."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Motion",
    step="motion",
    needs=("acquisition", "shifts", "raw_images", "motion_images", "motion_quality"),
    shared=("range.js", "charts.js", "player.js", "player.css"),
)
