"""Writes `config/schema.json` and the parameter reference `config/README.md` from the config's classes.

    PYTHONPATH=workflow/src python -m groundtrace.running.reference [folder]

With a folder it writes there, and of the backends of other packages that are installed too.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from groundtrace.adopted.formats import RESULTS
from groundtrace.config import Config, config_class
from groundtrace.indicators import indicators
from groundtrace.movies.formats import FORMATS, SUFFIXES
from groundtrace.section import Section
from groundtrace.sessions import Session
from groundtrace.subjects import Subject


def schema(config: type[Config] = Config) -> str:
    """JSON schema of `config.yaml`."""
    return json.dumps(config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def reference(config: type[Config] = Config) -> str:
    """Every key of the config and every column of the sample sheet, as Markdown."""
    suffixes = ", ".join(f"`{suffix}` {name}" for suffix, name in SUFFIXES.items())
    folders = ", ".join(name for name, format in FORMATS.items() if not format.suffixes)
    parts = [
        "# Reference: config and sample sheet",
        "Generated from the code by `make docs`; a test keeps it true.",
        "## The sample sheet",
        "Tab-separated, one row per recording; empty cells and missing columns take the default.",
        _table(Session, "column"),
        "Other columns are the lab's own: `notes` becomes `sheet_notes` in `study.parquet`, and decides nothing.",
        f"Formats by suffix: {suffixes}. A folder-based format ({folders}) is named in `format`.",
        "Results of other pipelines, named in `format`: "
        + "; ".join(f"`{name}`, {what}" for name, what in RESULTS.items())
        + ".",
        f"Indicators: {', '.join(indicators())}. Of relatives (such as jGCaMP7s, soma- and ribo-targeted "
        "ones) the kinetics of a near one are taken, which is said. For another, write `unknown` or add a line to "
        "`resources/indicators.tsv`.",
        "## The sheet of animals",
        "`subjects` in the config, for NWB files: tab-separated, one row per animal.",
        _table(Subject, "column"),
        "## The config",
        _table(config, "key"),
    ]
    for heading, section in _sections(config, ""):
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


def main(folder: Path, config: type[Config]) -> None:
    (folder / "schema.json").write_text(schema(config), encoding="utf-8")
    (folder / "README.md").write_text(reference(config), encoding="utf-8")


if __name__ == "__main__":
    # Of another folder: with the backends that other packages bring to this installation.
    main(Path(sys.argv[1]), config_class()) if sys.argv[1:] else main(Path("config"), Config)
