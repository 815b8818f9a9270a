"""Most exciting images beside others of the same contrast."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Gallery",
    step="encode",
    needs=("most_exciting_images", "in_silico_responses", "encoding_pictures", "stimulus_images"),
)
