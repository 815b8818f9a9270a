"""The aligned mean images of all days, and the cells on them."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Tissue", shared=("footprints.js",))
