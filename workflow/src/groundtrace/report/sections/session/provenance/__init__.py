"""The steps that made the results, with parameters, versions and sources."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Provenance", needs=("acquisition", "spikes"))
