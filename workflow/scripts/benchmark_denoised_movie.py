"""Scores the pixels of a denoised movie, or of the registered one as control, against the movie without noise."""

import json

from groundtrace.acquisition import Acquisition
from groundtrace.benchmark.denoised_movie import open_plane, score_movie
from groundtrace.io import write_text
from groundtrace.movies.file import open_movie
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given = snakemake.input
    clean = open_plane(given.clean, Acquisition.read(given.acquisition))
    scores = score_movie(open_movie(given.movie), clean, snakemake.params.simulation)
    write_text(snakemake.output.scores, json.dumps(scores, indent=1))
