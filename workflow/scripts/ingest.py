"""Raw files of a session to the canonical movie of one plane."""

from pathlib import Path

from groundtrace.io import write_arrays, write_table, write_text
from groundtrace.movies.ingest import ingest
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.running.raw_files import note, present

with job(snakemake.log[0]) as notices:
    session, output = snakemake.params.session, snakemake.output
    files = present(session, snakemake.input.files)
    found = ingest(session, files, int(snakemake.wildcards.plane), Path(output.movie))
    made_by = provenance("ingest", session.reading(), ["numpy", "tifffile"], [], notices)
    made_by["sources"] = [source.model_dump() for source in found.acquisition.sources]
    acquisition = found.acquisition.model_copy(update={"history": tuple(made_by["history"])})
    write_table(output.frames, Frames, found.frames, made_by)
    write_table(output.quality, RawQuality, found.quality, made_by)
    write_arrays(output.images, **found.images)
    if session.simulate is None:
        note(session, files, Path(output.acquisition))
    write_text(output.acquisition, acquisition.text())
