"""What the network has learnt."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Inside the network",
    step="encode",
    needs=("inside", "encoding_pictures"),
    shared=("svg.css", "boards.css"),
)
