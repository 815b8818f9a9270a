"""The page of a field."""

from groundtrace.io import read_arrays, read_table, write_text
from groundtrace.report.tracks import Day, TracksInputs, render_tracks
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, where = snakemake.input, snakemake.wildcards
    files = zip(given.acquisition, given.rois, given.traces, given.spikes, strict=True)
    page = TracksInputs(
        subject=where.subject,
        field=where.field,
        plane=int(where.plane),
        recipe=where.recipe,
        method=where.track,
        tracks=read_table(given.tracks),
        alignment=read_table(given.alignment),
        images=read_arrays(given.images),
        days=[Day.read(*own) for own in files],
    )
    write_text(snakemake.output.page, render_tracks(page))
