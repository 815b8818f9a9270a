"""Scores against the frame rate."""

from typing import Any

from groundtrace.report.benchmark import Benchmark
from groundtrace.report.sections.benchmark.sweeps import same_neurons, sweep


def context(data: Benchmark) -> dict[str, Any] | None:
    panels = sweep(data, same_neurons(data, "frame_rate"), "frame_rate", "frame rate (Hz)", log=True)
    return {"panels": panels} if panels else None
