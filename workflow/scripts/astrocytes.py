"""Events of astrocytes in a registered movie."""

from pathlib import Path
from tempfile import TemporaryDirectory

from groundtrace.acquisition import Acquisition
from groundtrace.astrocytes.steps import find_events
from groundtrace.astrocytes.tables import AstrocyteEvents, EventQuality
from groundtrace.io import read_table, write_table
from groundtrace.movies.file import open_movie
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]) as notices, TemporaryDirectory(dir=snakemake.resources.tmpdir) as scratch:
    given, method = snakemake.input, snakemake.params.method
    acquisition, movie = Acquisition.read(given.acquisition), open_movie(given.movie)
    bad, time = read_table(given.shifts, ["bad"])["bad"], read_table(given.frames, ["time"])["time"]
    events, quality = find_events(movie, bad.to_numpy(), time.to_numpy(), acquisition, method, Path(scratch))
    made_by = provenance("astrocytes", method.model_dump(), ["numpy", "scipy"], [given.shifts], notices)
    write_table(snakemake.output.events, AstrocyteEvents, events, made_by)
    write_table(snakemake.output.quality, EventQuality, quality, made_by)
