"""Raw files of a session to the canonical movie of one plane."""

from pathlib import Path

from groundtrace.io import write_arrays, write_table, write_text
from groundtrace.job import job
from groundtrace.movies.ingest import ingest
from groundtrace.provenance import provenance
from groundtrace.tables import Frames, RawQuality

with job(snakemake.log[0]):
    session, output = snakemake.params.session, snakemake.output
    files = [Path(name) for name in snakemake.input.files]
    found = ingest(session, files, int(snakemake.wildcards.plane), Path(output.movie))
    parameters = session.model_dump(mode="json", exclude={"path", "simulate"})
    made_by = provenance("ingest", parameters, ["numpy", "tifffile"], [])
    made_by["sources"] = [source.model_dump() for source in found.acquisition.sources]
    acquisition = found.acquisition.model_copy(update={"history": tuple(made_by["history"])})
    write_table(output.frames, Frames, found.frames, made_by)
    write_table(output.quality, RawQuality, found.quality, made_by)
    write_arrays(output.images, **found.images)
    write_text(output.acquisition, acquisition.model_dump_json(indent=2))
