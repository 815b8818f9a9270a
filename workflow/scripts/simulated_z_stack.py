"""The z-stack of a simulated recording."""

from tifffile import imwrite

from groundtrace.io import atomic
from groundtrace.running.job import job
from groundtrace.simulation.z_stack import take_z_stack

with job(snakemake.log[0]):
    planes = take_z_stack(snakemake.params.parameters, snakemake.params.session)
    with atomic(snakemake.output.stack) as path:
        imwrite(path, planes, photometric="minisblack", metadata=None)
