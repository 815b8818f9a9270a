"""Raw files of a session to the movie of one plane of the channel on which motion is estimated."""

from pathlib import Path

from groundtrace.io import write_text
from groundtrace.movies.ingest import ingest
from groundtrace.running.job import job
from groundtrace.running.raw_files import present

with job(snakemake.log[0]):
    session = snakemake.params.session
    session = session.model_copy(update={"functional_channel": session.motion_channel})
    files = present(session, snakemake.input.files)
    found = ingest(session, files, int(snakemake.wildcards.plane), Path(snakemake.output.movie))
    write_text(snakemake.output.acquisition, found.acquisition.text())
