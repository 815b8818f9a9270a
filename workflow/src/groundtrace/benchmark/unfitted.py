"""Scores of encoding models where there are none."""

import functools
from collections.abc import Callable
from typing import Any

import polars as pl

from groundtrace.benchmark.motion import table_of
from groundtrace.benchmark.tables import EncodingBenchmark
from groundtrace.errors import InputError
from groundtrace.notices import notice


def or_say(scored: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
    """A function of the table EncodingBenchmark, which is empty, with a word, where a model cannot be fitted: scores of
    responses are as good without."""

    @functools.wraps(scored)
    def said(*given: Any) -> pl.DataFrame:
        try:
            return scored(*given)
        except InputError as error:
            notice("no_encoding_model", f"encoding models are not scored: {str(error).removeprefix('encode: ')}")
            return table_of(EncodingBenchmark, [])

    return said
