"""Memory and time that the jobs of each rule ask for. Nothing here changes a result."""

from collections.abc import Callable

from groundtrace.needs import Need, Size
from groundtrace.running import layout
from groundtrace.running.of_job import Wildcards
from groundtrace.running.plan import Plan
from groundtrace.running.resources import NEEDS, mem_mb, recorded, runtime, simulated
from groundtrace.section import Backend

Asked = Callable[..., int]
"""Function of wildcards and attempt, or of wildcards, input and attempt, as Snakemake calls it."""


class Requests:
    """Resources that the jobs of a plan ask for."""

    def __init__(self, plan: Plan):
        self.plan, self.config = plan, plan.config

    def memory(self, rule: str) -> Asked:
        """Memory of a job on a session, MB."""

        def of(wildcards: Wildcards, attempt: int) -> int:
            size, (need, backend) = self._size(wildcards), self._need(rule, wildcards)
            held = backend.held_frames(size, self.plan.told(self.plan.sessions[wildcards.session])) if backend else 1
            return mem_mb(need, size, held, attempt)

        return of

    def time_limit(self, rule: str) -> Asked:
        """Time limit of a job on a session, minutes."""

        def of(wildcards: Wildcards, attempt: int) -> int:
            return runtime(self._need(rule, wildcards)[0], self._size(wildcards), attempt)

        return of

    def _size(self, wildcards: Wildcards) -> Size:
        """Size of the movie that a job on a session works on, and of its traces as soon as they are there."""
        session, names = self.plan.sessions[wildcards.session], dict(wildcards.items())
        if "recipe" in names:
            names |= self.plan.methods_of(session.key, wildcards.recipe)
        if session.simulate is None:
            size = recorded(session, self.plan.at(f"{layout.PLANE}/acquisition.json").format(**names))
        else:
            size = simulated(self.plan.simulation(session.key), session, 1 if "plane" in names else session.planes)
        if "extract" not in names:
            return size
        return size.with_table(self.plan.at(f"{layout.EXTRACT}/fluorescence.parquet").format(**names))

    def _need(self, rule: str, wildcards: Wildcards) -> tuple[Need, Backend | None]:
        """What a rule needs, and the backend that it runs, if any."""
        if rule == "dff" and self.plan.smoothing(wildcards):
            return NEEDS["dff/smoothed"], None
        if rule not in layout.METHODS:
            return NEEDS[rule], None
        backend = self.config.backend(rule, getattr(wildcards, rule))
        return backend.need, backend


def megabytes(base: float, per_input: float = 0.0) -> Asked:
    """Memory of a job on tables, MB: a base and a multiple of its input's size; half as much again at each retry."""
    return lambda wildcards, input, attempt: int((base + per_input * input.size_mb) * 1.5 ** (attempt - 1))


def minutes(base: float, per_gigabyte: float = 0.0) -> Asked:
    """Time limit of a job on tables, minutes, from its input's size; doubled at each retry."""
    return lambda wildcards, input, attempt: int((base + per_gigabyte * input.size_mb / 1000) * 2 ** (attempt - 1))
