"""What most exciting images look like, in numbers."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Numbers of the images", step="encode", needs=("most_exciting_images",))
