"""The pages as lists of sections, what rules need of them, and what their identity follows from.

A section of our own is a folder below `sections` and a line here. Other packages bring sections of the session page
through the entry-point group GROUP.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from groundtrace.errors import InputError
from groundtrace.provenance import source_hash
from groundtrace.report.section import SHARED, Section
from groundtrace.running.layout import FILES

GROUP = "groundtrace.sections"
FRAME = ("page.html", "page.css", "base.js", "start.js")
"""Files of SHARED that every page uses."""
PAGES = {
    "session": (
        "header",
        "figures",
        "warnings",
        "cells",
        "curation",
        "events",
        "population",
        "quality",
        "accuracy",
        "responses",
        "denoising",
        "motion",
        "recording",
        "microscope",
        "provenance",
    ),
    "units": (
        "header",
        "session.warnings",
        "session.responses",
        "session.provenance",
    ),
    "encoding": (
        "header",
        "session.warnings",
        "models",
        "gallery",
        "images",
        "inside",
    ),
    "study": (
        "header",
        "totals",
        "warnings",
        "scatter",
        "table",
    ),
    "benchmark": (
        "header",
        "summary",
        "totals",
        "board",
        "datasets",
        "noise",
        "rates",
        "lookahead",
        "counts",
        "coverage",
        "times",
        "told",
        "population",
        "scored",
    ),
    "recordings": (
        "header",
        "answers",
        "totals",
        "recipes",
        "motion",
        "extraction",
        "denoising",
        "responses",
        "sessions",
    ),
    "realism": (
        "header",
        "verdict",
        "curves",
        "numbers",
    ),
    "suggest": (
        "header",
        "advice",
    ),
    "tracks": (
        "header",
        "tissue",
        "presence",
        "cells",
    ),
}
"""Names of the folders below `sections/<page>`, from the top of the page down; the first is its header. One of another
page has that page and a point before its name."""


@cache
def sections(page: str) -> tuple[Section, ...]:
    """Sections of a page, from the top down; those of other packages come last."""
    paths = [name if "." in name else f"{page}.{name}" for name in PAGES[page]]
    own = [import_module(f"groundtrace.report.sections.{path}").SECTION for path in paths]
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name) if page == "session" else []
    brought = [brought_by(point) for point in points]
    names = [section.name for section in own]
    for section in brought:
        if section.name in names:
            raise InputError(
                f"{section.distribution}: there is already a section {section.name} in the session page; "
                "its folder must have another name"
            )
        names.append(section.name)
    return (*own, *brought)


def brought_by(point: EntryPoint) -> Section:
    """The section of an entry point; raises InputError, naming the package, when there is none."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    try:
        section = point.load()
    except Exception as error:
        raise InputError(
            f"{package}: its section {point.name} ({point.value}) cannot be loaded ({type(error).__name__}: {error}); "
            "repair or uninstall the package"
        ) from error
    if not isinstance(section, Section):
        raise InputError(
            f"{package}: its section {point.name} ({point.value}) is a {type(section).__name__}, and must be a "
            "groundtrace.report.section.Section; repair or uninstall the package"
        )
    if not (section.folder / "section.html").is_file():
        raise InputError(
            f"{package}: its section {point.name} has no template {section.folder / 'section.html'}; add it"
        )
    return replace(section, distribution=package)


def require(page: str, names: Iterable[str]) -> None:
    """Raise InputError where one of the sections with these names is not installed: a job may run elsewhere."""
    known = {section.name for section in sections(page)}
    if absent := [name for name in names if name not in known]:
        raise InputError(
            f"the sections {', '.join(absent)} of the {page} page are not installed in the environment of this job; "
            "install their packages there too, or uninstall them where the workflow is started"
        )


def needs(page: str) -> dict[str, str]:
    """Files of a plane that a page is made of: names in FILES, and paths below the results with wildcards."""
    for section in sections(page):
        if unknown := sorted(set(section.needs) - FILES.keys()):
            raise InputError(
                f"{section.distribution or section.package}: section {section.name} needs {', '.join(unknown)}, which "
                f"no plane has; there are {', '.join(FILES)}"
            )
    return {name: FILES[name] for section in sections(page) for name in section.needs}


def identity(page: str) -> dict[str, str]:
    """What decides how a page looks besides its inputs: a hash of each section, and one of what all pages share."""
    return {"the frame": _digest(SHARED / name for name in FRAME)} | {
        section.name: section_hash(section) for section in sections(page)
    }


def section_hash(section: Section) -> str:
    """Hash of a section's folder, of the code that it uses, and of the shared files that it names."""
    texts = [path for path in section.folder.glob("*") if path.is_file() and path.suffix != ".py"]
    code = sorted(section.folder.glob("*.py"))
    modules = [f"{section.package}.{path.stem}" for path in code if path.stem != "__init__"]
    known = _digest(code) if section.distribution else source_hash(section.package, *modules)
    marks = (_digest([*sorted(texts), *(SHARED / name for name in section.shared)]), known, section.distribution)
    return hashlib.sha256(" ".join(marks).encode()).hexdigest()[:16]


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
