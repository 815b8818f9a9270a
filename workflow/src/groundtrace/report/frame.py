"""A page from its sections: one file that asks for nothing elsewhere."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from groundtrace.errors import InputError
from groundtrace.notices import SEVERITIES
from groundtrace.report.html import number, to_json
from groundtrace.report.pages import sections
from groundtrace.report.section import SHARED, Section
from groundtrace.report.warning import Warning

PAGE_BYTES = 9_800_000
"""No page grows beyond this (10 MB with a margin)."""

Shown = list[tuple[Section, dict[str, Any]]]
"""Sections and the variables of their templates."""


def render(page: str, given: Any, title: str) -> str:
    """The page as HTML, the same for the same input. given: what its sections show."""
    warnings = page_warnings(page, given)
    shown = _shown(sections(page), given, warnings)
    data = merged((section.name, context["data"]) for section, context in shown)
    html = _framed(title, shown, data)
    room, filled = PAGE_BYTES - len(html.encode()), {}
    # From the last to the first: what takes all the room there is stands at the top of a page.
    for section, _ in reversed(shown):
        more = section.ask("fill", given, room, default={})
        room -= len(to_json(more))
        filled[section.name] = more
    return _framed(title, shown, merged([("", data), *filled.items()]))


def page_warnings(page: str, given: Any) -> list[Warning]:
    """Warnings of all sections, the worst first, else in the order of the page."""
    found = [
        replace(warning, kind=warning.kind or section.name, step=warning.step or section.step or section.name)
        for section in sections(page)
        for warning in section.ask("warnings", given, default=())
    ]
    return sorted(found, key=lambda warning: SEVERITIES.index(warning.severity))


def merged(parts: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Data of all sections under one roof; raises InputError where two give the same name to theirs."""
    found: dict[str, Any] = {}
    for section, data in parts:
        if twice := sorted(found.keys() & data.keys()):
            raise InputError(f"section {section}: its data {', '.join(twice)} is already that of another section")
        found |= data
    return found


def _shown(chosen: Sequence[Section], given: Any, warnings: Sequence[Warning]) -> Shown:
    shown: Shown = []
    for section in chosen:
        context = section.ask("context", given, default={})
        if context is not None:
            data = section.ask("data", given, default={})
            shown.append((section, {"given": given, "warnings": warnings, **context, "data": data}))
    return shown


def _framed(title: str, shown: Shown, data: dict[str, Any]) -> str:
    """Whatever comes from outside is escaped: text by the templates, `data` as JSON that cannot close its element. The
    policy in the page lets only these very scripts run and forbids every request."""
    used = [section for section, _ in shown]
    script = "\n".join(_assets(used, ".js", ["base.js"], ["start.js"]))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    header, *parts = (_part(section, context) for section, context in shown)
    return _environment("page.html").get_template("page.html").render(
        title=title,
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        style=Markup("\n".join(_assets(used, ".css", ["page.css"], []))),
        header=header,
        links=[(section.name, section.title) for section in used if section.title],
        parts=parts,
        data=to_json(data),
        script=Markup(script),
    )  # fmt: skip


def _part(section: Section, context: dict[str, Any]) -> Markup:
    template = (section.folder / "section.html").read_text(encoding="utf-8")
    return Markup(_environment(*section.shared).from_string(template).render(context))


def _assets(used: Sequence[Section], suffix: str, first: Sequence[str], last: Sequence[str]) -> list[str]:
    """Texts of shared files, each once, and then of the sections' own, in the order of the page."""
    named = dict.fromkeys(name for section in used for name in section.shared if name.endswith(suffix))
    own = [text for section in used for text in section.texts(suffix)]
    return [*map(_shared, [*first, *named]), *own, *map(_shared, last)]


@cache
def _shared(name: str) -> str:
    return (SHARED / name).read_text(encoding="utf-8")


@cache
def _environment(*shared: str) -> Environment:
    """Templates find only the shared files that their section names: its identity follows from them."""
    environment = Environment(
        loader=DictLoader({name: _shared(name) for name in shared if name.endswith(".html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment
