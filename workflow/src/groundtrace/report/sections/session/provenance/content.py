"""Where the results come from."""

import json
from collections.abc import Mapping
from typing import Any

from groundtrace.report.session import SessionInputs


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {
        "history": [step(entry) for entry in inputs.provenance.get("history", [])],
        "sources": inputs.provenance.get("sources") or [source.model_dump() for source in inputs.acquisition.sources],
    }


def step(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One step of the history, its parameters as (name, value) pairs."""
    return {
        "step": entry.get("step", ""),
        "parameters": list(flat(entry.get("parameters", {}))),
        "versions": sorted(entry.get("versions", {}).items()),
    }


def flat(parameters: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in sorted(parameters.items()):
        if isinstance(value, Mapping) and value:
            pairs += flat(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return pairs
