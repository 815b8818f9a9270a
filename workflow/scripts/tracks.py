"""ROIs of the sessions of a field to tracks."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_arrays, read_table, write_arrays, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.tracking.steps import Session, track
from groundtrace.tracking.tables import Alignment, Pairs, Tracks

with job(snakemake.log[0]) as notices:
    method, given, made = snakemake.params.method, snakemake.input, snakemake.output
    files = zip(given.acquisition, given.rois, given.extraction_images, given.extraction_quality, strict=True)
    sessions = [
        Session(
            Acquisition.read(acquisition),
            read_table(rois),
            read_arrays(images),
            float(read_table(quality, ["diameter"])["diameter"][0]),
        )
        for acquisition, rois, images, quality in files
    ]
    found = track(sessions, method)
    made_by = provenance("tracks", method.model_dump(mode="json"), method.packages, list(given.rois), notices)
    write_table(made.tracks, Tracks, found.tracks, made_by)
    write_table(made.pairs, Pairs, found.pairs, made_by)
    write_table(made.alignment, Alignment, found.alignment, made_by)
    write_arrays(made.images, **found.images)
