"""The page of a field."""

from groundtrace.acquisition import Acquisition
from groundtrace.io import read_arrays, read_table, write_text
from groundtrace.report.tracks import TracksInputs, render_tracks
from groundtrace.running.job import job

with job(snakemake.log[0]):
    given, where = snakemake.input, snakemake.wildcards
    page = TracksInputs(
        subject=where.subject,
        field=where.field,
        plane=int(where.plane),
        recipe=where.recipe,
        method=where.track,
        tracks=read_table(given.tracks),
        alignment=read_table(given.alignment),
        images=read_arrays(given.images),
        traces=[read_table(path, ["roi", "dff"]) for path in given.traces],
        spikes=[read_table(path, ["roi", "mean_rate"]) for path in given.spikes],
        frame_rates=[Acquisition.read(path).frame_rate for path in given.acquisition],
    )
    write_text(snakemake.output.page, render_tracks(page))
