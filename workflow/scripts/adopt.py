"""The result of another pipeline to what dF/F, spikes and pages of one plane start from."""

from pathlib import Path

from groundtrace.adopted.adopt import adopt
from groundtrace.adopted.formats import packages_of
from groundtrace.extraction.tables import ExtractionQuality, Fluorescence, Rois
from groundtrace.io import write_arrays, write_table, write_text
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.running.raw_files import note, present

with job(snakemake.log[0]):
    session, output = snakemake.params.session, snakemake.output
    files = present(session, ())
    taken = adopt(session, files, int(snakemake.wildcards.plane))
    made_by = provenance(
        "adopt", session.reading() | {"pipeline": taken.acquisition.adopted}, packages_of(session.format), []
    )
    made_by["sources"] = [source.model_dump() for source in taken.acquisition.sources]
    acquisition = taken.acquisition.model_copy(update={"history": tuple(made_by["history"])})
    write_table(output.frames, Frames, taken.frames, made_by)
    write_table(output.raw_quality, RawQuality, taken.raw_quality, made_by)
    write_arrays(output.raw_images, **taken.raw_images)
    write_table(output.shifts, Shifts, taken.shifts, made_by)
    write_table(output.motion_quality, MotionQuality, taken.motion_quality, made_by)
    write_arrays(output.motion_images, mean=taken.images["mean"])
    write_table(output.rois, Rois, taken.rois, made_by)
    write_table(output.fluorescence, Fluorescence, taken.fluorescence, made_by)
    write_table(output.quality, ExtractionQuality, taken.extraction_quality, made_by)
    write_arrays(output.images, **taken.images)
    note(session, files, Path(output.acquisition))
    write_text(output.acquisition, acquisition.text())
