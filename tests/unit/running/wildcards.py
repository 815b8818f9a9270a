"""Wildcards of a job, without a workflow."""


class Wildcards(dict):
    """As Snakemake's: values by name and by attribute."""

    __getattr__ = dict.__getitem__
