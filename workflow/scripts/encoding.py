"""Encoding models of one plane to their scores and most exciting images."""

from groundtrace.encoding.files import read_fitted
from groundtrace.encoding.steps import Shown, encode
from groundtrace.encoding.tables import Encoding, Inside, InSilicoResponses, MostExcitingImages
from groundtrace.io import read_arrays, read_table, write_arrays, write_table
from groundtrace.provenance import provenance
from groundtrace.running.job import job

with job(snakemake.log[0]) as notices:
    given, made, models = snakemake.input, snakemake.output, snakemake.params.models
    parameters, stack = snakemake.params.method, read_arrays(given.images)
    tables = read_table(given.presentations), read_table(given.responses, ["roi", "accepted", "response"])
    shown = Shown.of(*tables, stack["ids"].tolist(), stack["images"])
    fitted = {name: read_fitted(path) for name, path in zip(models, given.models, strict=True)}
    found = encode(fitted, shown, read_table(given.reliability), parameters)
    used = parameters.model_dump(mode="json")
    used |= {"models": {name: model.model_dump(mode="json") for name, model in models.items()}}
    packages = sorted({package for model in models.values() for package in model.packages})
    made_by = provenance("encoding", used, packages, [given.responses, given.reliability], notices)
    write_table(made.scores, Encoding, found.scores, made_by)
    write_table(made.images, MostExcitingImages, found.images, made_by)
    write_table(made.responses, InSilicoResponses, found.responses, made_by)
    write_table(made.inside, Inside, found.inside, made_by)
    write_arrays(made.pictures, **found.pictures)
