"""The images that were shown in one session, as one stack."""

import numpy as np

from groundtrace.io import write_arrays
from groundtrace.responses.pictures import read_images
from groundtrace.running.job import job

with job(snakemake.log[0]):
    ids, images = read_images(snakemake.params.session.stimulus_images)
    write_arrays(snakemake.output.images, ids=np.array(ids), images=images)
