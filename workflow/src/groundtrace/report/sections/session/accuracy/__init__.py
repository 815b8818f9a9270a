"""The correlation to expect of the inferred with the true spike rates."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Accuracy",
    step="spikes",
    needs=("acquisition", "traces", "spikes"),
    shared=("range.js", "charts.js", "histogram.js"),
)
