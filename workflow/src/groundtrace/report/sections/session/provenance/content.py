"""Where the results come from, and what the steps that made them had to say."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from groundtrace.report.session import SessionInputs
from groundtrace.report.warning import Warning

SAID = ("no_roi", "none_accepted")
"""Kinds of notices that the section of the cells says in its own words."""
LISTED = 3
"""Notices of one step and kind that are shown."""
TITLE = 90
"""Letters of the longest notice that is its own title."""
FILE = re.compile(r"([^:;]+\.[A-Za-z]\w*: |\S+: )(.*)", re.DOTALL)
"""A notice about a raw file, or a folder of them, begins with its name; that of a file may have spaces."""


def context(inputs: SessionInputs) -> dict[str, Any]:
    return {
        "history": [step(entry) for entry in inputs.provenance.get("history", [])],
        "sources": inputs.provenance.get("sources") or [source.model_dump() for source in inputs.acquisition.sources],
    }


def warnings(inputs: SessionInputs) -> Iterator[Warning]:
    """What the steps told while they ran, ingest of the raw files among them; of many alike the first."""
    shown: Counter[tuple[str, str]] = Counter()
    for entry in inputs.provenance.get("history", []):
        for notice in entry.get("notices", ()):
            shown[entry["step"], notice["kind"]] += 1
            if notice["kind"] not in SAID and shown[entry["step"], notice["kind"]] <= LISTED:
                yield as_warning(entry["step"], notice)


def as_warning(step: str, notice: Mapping[str, Any]) -> Warning:
    """A notice as the page says it: a short one is its title, of a long one the first clause is."""
    found, advice = notice["found"], notice["advice"] or "see the log of the step"
    of_file = FILE.match(found)
    start, rest = of_file.groups() if of_file else ("", found)
    title, meaning = found, ""
    if len(found) > TITLE:
        title, meaning = start + re.split(r"[:,;(]", rest)[0].strip(), f"{found}."
    title, meaning = (text if of_file else f"{text[:1].upper()}{text[1:]}" for text in (title, meaning))
    advice = f"{advice[:1].upper()}{advice[1:]}."
    return Warning(notice["severity"], title, meaning, advice, notice["kind"], step)


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
