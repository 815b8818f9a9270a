"""Writes `config/schema.json` and the parameter reference `config/README.md` from the config's classes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from groundtrace.config import Config
from groundtrace.indicators import indicators
from groundtrace.section import Section
from groundtrace.sessions import SUFFIXES, Session


def schema() -> str:
    """JSON schema of `config.yaml`."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """Every key of the config and every column of the sample sheet, as Markdown."""
    suffixes = ", ".join(f"`{suffix}` {name}" for suffix, name in SUFFIXES.items())
    parts = [
        "# Reference: config and sample sheet",
        "Generated from the code by `make docs`; a test keeps it true.",
        "## The sample sheet",
        "Tab-separated, one row per recording; empty cells and missing columns take the default.",
        _table(Session, "column"),
        f"Formats by suffix: {suffixes}. A folder-based format (bruker, thor, micromanager) is named in `format`.",
        f"Indicators: {', '.join(indicators())}. For another, add a line to `resources/indicators.tsv`.",
        "## The config",
        _table(Config, "key"),
    ]
    for heading, section in _sections(Config, ""):
        parts += [f"### {heading}", (section.__doc__ or "").strip(), _table(section, "key")]
    return "\n\n".join(parts) + "\n"


def _sections(section: type[Section], prefix: str) -> Iterator[tuple[str, type[Section]]]:
    for name, field in section.model_fields.items():
        named = ".<name>" if str(field.annotation).startswith("dict") else ""
        found = _classes(field.annotation)
        for inner in found:
            backend = inner.model_fields.get("backend")
            heading = f"`{prefix}{name}{named}`" + (f" with `backend: {backend.default}`" if backend else "")
            yield heading, inner
            yield from _sections(inner, f"{prefix}{name}{named}.")


def _classes(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _classes(part)]


def _table(section: type[Section], what: str) -> str:
    rows = [f"| {what} | type | default | meaning |", "|---|---|---|---|"]
    properties = section.model_json_schema().get("properties", {})
    for name, field in section.model_fields.items():
        if name == "backend":  # stands in the heading
            continue
        if _classes(field.annotation):
            kind, default = ("mapping of names" if str(field.annotation).startswith("dict") else "section"), "see below"
        else:
            kind = _kind(properties[name])
            default = "required" if field.default is PydanticUndefined else _shown(field.default)
        meaning = " ".join((field.description or "").split())
        rows.append(f"| `{name}` | {kind} | {default} | {meaning} |".replace("  |", " |"))
    return "\n".join(rows)


def _kind(schema: dict[str, Any]) -> str:
    """A JSON schema's type and bounds in a few words."""
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    bounds = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    limits = [f"{sign} {schema[key]:g}" for key, sign in bounds.items() if key in schema]
    names = {"array": "list", "object": "mapping", "string": "text", "boolean": "true or false"}
    kind = str(schema.get("type", "any"))
    name = names.get(kind, kind)
    return " ".join([name, ", ".join(limits)]).strip()


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, Path):
        default = default.as_posix()
    if isinstance(default, tuple):
        default = list(default)
    return f"`{json.dumps(default)}`"


def main(folder: Path = Path("config")) -> None:
    (folder / "schema.json").write_text(schema(), encoding="utf-8")
    (folder / "README.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
