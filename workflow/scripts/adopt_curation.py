"""Verdicts that were taken in Suite2p's GUI to the files in which the workflow keeps those of a person."""

import os

from groundtrace.running.adopt_curation import adopt_curation
from groundtrace.running.job import job

with open(os.dup(2), "w", encoding="utf-8") as terminal, job(snakemake.log[0]):
    for line in adopt_curation(snakemake.params.entries, snakemake.params.curations):
        print(line)
        print(line, file=terminal, flush=True)
