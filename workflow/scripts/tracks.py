"""ROIs of the sessions of a field to tracks."""

from groundtrace.provenance import provenance
from groundtrace.running.job import job
from groundtrace.tracking.files import read_session, write_field
from groundtrace.tracking.steps import track

with job(snakemake.log[0]) as notices:
    method, given = snakemake.params.method, snakemake.input
    files = zip(given.acquisition, given.rois, given.extraction_images, given.extraction_quality, strict=True)
    found = track([read_session(*own) for own in files], method)
    made_by = provenance("tracks", method.model_dump(mode="json"), method.packages, list(given.rois), notices)
    write_field(found, dict(snakemake.output.items()), made_by)
