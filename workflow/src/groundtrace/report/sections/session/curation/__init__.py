"""Verdicts by hand: which ROIs count as cells, decided on the page and saved as a file that the workflow reads."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Curation", step="dff", needs=("acquisition", "rois", "curation"))
