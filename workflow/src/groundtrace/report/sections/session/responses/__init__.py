"""What drives the cells: responses to stimuli, how reliable they are, and tuning."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Responses",
    needs=("frames", "spikes", "presentations", "responses", "reliability", "tuning"),
    shared=("range.js", "charts.js"),
)
