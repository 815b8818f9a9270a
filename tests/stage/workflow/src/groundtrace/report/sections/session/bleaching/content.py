"""The rate of bleaching, with its error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundtrace.io import read_table
from groundtrace.report.session import SessionInputs


def load(paths: Mapping[str, Path | str], inputs: SessionInputs) -> dict[str, Any]:
    return read_table(paths["bleaching"]).row(0, named=True)


def context(inputs: SessionInputs) -> dict[str, Any]:
    return inputs.loaded["bleaching"]
