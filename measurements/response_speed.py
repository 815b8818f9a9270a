"""How long do responses to stimuli take?

    PYTHONPATH=workflow/src python measurements/response_speed.py

135 cells, 119 images shown 50 times each at 30 Hz, made-up rates with intervals. Prints processor seconds of the second
of two runs: windows of all presentations once the rates are read, statistics of reliability, tuning.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from groundtrace.responses.parameters import ResponseParameters
from groundtrace.responses.steps import judge, tune
from groundtrace.responses.windows import frame_spans, in_windows
from groundtrace.tables import list_column

RATE, CELLS, IMAGES, REPEATS = 30.0, 135, 119, 50
EVERY, LASTING = 0.3, 0.25
"""s."""


def timed(name: str, function: Callable[[], Any]) -> Any:
    function()
    began = time.process_time()
    found = function()
    print(f"{name:12} {time.process_time() - began:.3f} s", flush=True)
    return found


def main() -> None:
    random = np.random.default_rng(0)
    start = EVERY * np.arange(IMAGES * REPEATS)
    frames = int((start[-1] + 2) * RATE)
    rate = random.exponential(1, (CELLS, frames)).astype(np.float32)
    band, windows = (rate * 0.5, rate * 1.5), np.column_stack([start, start + LASTING])
    spans = frame_spans(np.arange(frames) / RATE, np.zeros(frames, np.int64), RATE)
    found = timed("windows", lambda: in_windows(rate, band, spans, windows, 0.9))
    condition = np.concatenate([random.permutation(IMAGES) for _ in range(REPEATS)]).astype(np.int32)
    presentations = pl.DataFrame(
        {"condition": condition, "repeat": np.repeat(np.arange(REPEATS, dtype=np.int32), IMAGES)}
    ).with_columns(orientation=pl.col("condition") * 3.0)
    responses = pl.DataFrame({"roi": np.arange(CELLS, dtype=np.int32), "accepted": True}).with_columns(
        response=list_column(found.expected.astype(np.float32))
    )
    parameters = ResponseParameters()
    timed("reliability", lambda: judge(presentations, responses, parameters))
    timed("tuning", lambda: tune(presentations, responses, parameters))


if __name__ == "__main__":
    main()
