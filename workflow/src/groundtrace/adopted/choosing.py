"""Which units of a file are taken: the column `units` of the sheet."""

import re
from typing import NamedTuple

CONDITION = re.compile(r"""\s*(\w+)\s*(==|!=|>=|<=|>|<)\s*("[^"]*"|'[^']*'|[^\s"']+)\s*""")
FORM = 'write conditions on columns of the units, as area == "VISp" and firing_rate > 0.1'


class Condition(NamedTuple):
    """One comparison."""

    column: str
    operator: str
    """==, !=, >=, <=, > or <."""
    value: str | float | bool


def parse(text: str) -> list[Condition]:
    """Conditions, all of which must hold; raises ValueError."""
    found = []
    for part in re.split(r"\s+and\s+", text.strip()):
        match = CONDITION.fullmatch(part)
        if match is None:
            raise ValueError(f"units: {part!r} is no condition; {FORM}")
        found.append(Condition(match[1], match[2], _value(match[3])))
    return found


def _value(text: str) -> str | float | bool:
    if text[0] in "\"'":
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text
