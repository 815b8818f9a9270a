"""One session with all its planes as an NWB file."""

from groundtrace.export.inspection import check_file
from groundtrace.export.nwb import write_nwb
from groundtrace.io import atomic
from groundtrace.results import planes_of
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, metadata = dict(snakemake.input.items()), snakemake.params.metadata
    movies = given.pop("movies", [])
    planes = planes_of(metadata.session, given, snakemake.wildcards.recipe)
    with atomic(snakemake.output.file) as temporary:
        write_nwb(temporary, planes, metadata, movies)
        check_file(temporary)
