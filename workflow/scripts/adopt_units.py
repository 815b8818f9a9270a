"""Sorted spikes of an NWB file to what responses to stimuli start from."""

from pathlib import Path

from groundtrace.adopted.nwb_units import adopt_units
from groundtrace.io import write_table, write_text
from groundtrace.movies.tables import Frames
from groundtrace.provenance import provenance
from groundtrace.responses.tables import Units
from groundtrace.running.job import job
from groundtrace.running.raw_files import note, present

with job(snakemake.log[0]):
    session, output = snakemake.params.session, snakemake.output
    files = present(session, ())
    taken = adopt_units(session, files)
    made_by = provenance("adopt", session.reading() | {"pipeline": taken.acquisition.adopted}, ["numpy", "h5py"], [])
    made_by["sources"] = [source.model_dump() for source in taken.acquisition.sources]
    acquisition = taken.acquisition.model_copy(update={"history": tuple(made_by["history"])})
    write_table(output.frames, Frames, taken.frames, made_by)
    write_table(output.units, Units, taken.units, made_by)
    note(session, files, Path(output.acquisition))
    write_text(output.acquisition, acquisition.text())
