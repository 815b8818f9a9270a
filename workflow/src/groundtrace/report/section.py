"""A section of a page: a folder that holds what it needs, loads, says, warns of and draws.

In the folder lie `__init__.py` with `SECTION`, the template `section.html`, styles and scripts of its own (`*.css`,
`*.js`), and, where there is something to compute, `content.py` with any of these functions:

- `load(paths, given)`: what this section alone reads, from the files of `needs`; kept in `given.loaded` by its name
- `context(given)`: variables of the template, besides `given` itself; None leaves the section out
- `data(given)`: variables of the scripts, which find them in `page`; the template has them as `data`
- `fill(given, room)`: more of such data, in at most `room` bytes
- `warnings(given)`: what a reader should know before trusting the recording

`given` is what the page shows, for the session page a `groundtrace.report.session.SessionInputs`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

SHARED = Path(__file__).resolve().parent / "shared"
"""Templates, styles and scripts that several sections use."""


@dataclass(frozen=True)
class Section:
    """What is known of a section before anything of it is computed: rules ask for it, so its module imports little."""

    package: str
    """Its folder as a package: `__name__` in the folder's `__init__.py`."""
    title: str = ""
    """Title in the navigation at the top of the page; a section without one is not listed there."""
    step: str = ""
    """Step whose results it shows and warns of; empty takes its own name."""
    needs: tuple[str, ...] = ()
    """Files of a plane that it reads, by their names in `groundtrace.running.layout.FILES`."""
    shared: tuple[str, ...] = ()
    """Files of SHARED that it uses: templates to import from, styles, scripts."""
    distribution: str = field(default="", compare=False)
    """Name and version of the package that brings it; empty for our own."""

    @property
    def name(self) -> str:
        """Name of its folder; the anchor of the section in the page."""
        return self.package.rpartition(".")[2]

    @cached_property
    def folder(self) -> Path:
        return Path(str(files(self.package)))

    @cached_property
    def content(self) -> ModuleType | None:
        """The module of its functions, imported when first asked for."""
        name = f"{self.package}.content"
        return import_module(name) if find_spec(name) else None

    def ask(self, function: str, *arguments: Any, default: Any = None) -> Any:
        """What one of its functions returns, `default` where it has none of that name."""
        found = getattr(self.content, function, None)
        return found(*arguments) if found else default

    def texts(self, suffix: str) -> Iterator[str]:
        """Its own files of one kind: `.css`, `.js`."""
        return (path.read_text(encoding="utf-8") for path in sorted(self.folder.glob(f"*{suffix}")))
