"""One plane as Suite2p leaves one, its ROIs for Fiji, and all of it for MATLAB."""

from pathlib import Path

from groundtrace.export.fiji import write_rois
from groundtrace.export.matlab import write_mat
from groundtrace.export.suite2p import extras, suite2p_plane, write_suite2p
from groundtrace.io import read_table
from groundtrace.results import SessionResults
from groundtrace.running.job import job

with job(snakemake.log[0]):
    where, output = snakemake.wildcards, dict(snakemake.output.items())
    files = {name: Path(path) for name, path in snakemake.input.items()}
    results = SessionResults(where.session, int(where.plane), where.recipe, files, snakemake.params.labels)
    plane = suite2p_plane(results)
    write_rois(output["rois"], read_table(files["rois"]))
    write_mat(output["mat"], plane | extras(results))
    write_suite2p(plane, output)
