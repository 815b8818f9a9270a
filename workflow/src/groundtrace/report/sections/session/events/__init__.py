"""Events of astrocytes: how many, how large, how fast, and the largest ones."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Events",
    step="astrocytes",
    needs=("acquisition", "motion_images", "events", "event_quality"),
    shared=("figures.html", "svg.css"),
)
