"""Scores the pixels of a denoised movie, or of the registered one as control, against the movie without noise."""

import json

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.denoised_movie import of_plane, score_movie
from groundtrace.io import open_movie, write_text
from groundtrace.job import job

with job(snakemake.log[0]):
    given = snakemake.input
    clean = of_plane(open_movie(given.clean), Acquisition.read(given.acquisition))
    scores = score_movie(open_movie(given.movie), clean, snakemake.params.simulation)
    write_text(snakemake.output.scores, json.dumps(scores, indent=1))
