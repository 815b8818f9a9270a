"""Functions of a job's wildcards, as Snakemake asks for inputs and parameters."""

import inspect
from collections.abc import Callable
from typing import Any

from groundtrace.running.internals import plainly

Wildcards = Any
"""Snakemake's: an attribute per wildcard."""
OfJob = Callable[[Wildcards], Any]
"""Input or parameter of a job."""


def of_job(function: OfJob) -> OfJob:
    """Snakemake asks for the signature of a function at every job, which costs more than most functions here."""
    function.__signature__ = inspect.signature(function)  # pyright: ignore[reportFunctionMemberAccess]
    return function


class OfEachJob:
    """Decorator: a method (self, wildcards) that is an input function of rules."""

    def __init__(self, method: Callable[[Any, Wildcards], Any]):
        self.method = method
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> OfJob:
        def function(wildcards: Wildcards) -> Any:
            return self.method(instance, wildcards)

        # The next look finds the function itself.
        told = of_job(plainly(function))
        instance.__dict__[self.name] = told
        return told
