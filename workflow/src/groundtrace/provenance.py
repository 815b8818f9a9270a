"""What made a number: a hash of the code a rule really uses, and the history every table carries."""

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from groundtrace import __version__

if TYPE_CHECKING:
    from groundtrace.notices import Notice
    from groundtrace.section import Backend

PACKAGE = "groundtrace"
ROOT = Path(__file__).resolve().parent
UNCOUNTED = {"need", "held_frames"}
"""Members of a class that the hash leaves out: memory and time that a job asks for decide no number."""


@cache
def source_hash(*roots: str) -> str:
    """Hash of the code that `roots` use, so that a rule reruns when, and only when, its code changed.

    A root is a module (`groundtrace.spikes.oasis`), one definition of a module
    (`groundtrace.traces.dff:compute_dff`) or the path of a script. Followed are all imports of this package, name by
    name: a module that imports one table depends on that table, not on its neighbours. Comments, docstrings and layout
    do not count, nor does where a definition lives: modules can move.
    """
    seen: set[tuple[str, str]] = set()
    for root in roots:
        if root.endswith(".py"):
            _Source(Path(root), None).collect(None, seen)
        else:
            module, _, name = root.partition(":")
            _visit(module, name or None, seen)
    return hashlib.sha256(json.dumps(sorted({text for _, text in seen})).encode()).hexdigest()[:16]


@cache
def backend_hash(kind: "type[Backend]") -> str:
    """Hash of what a backend runs: the code that its module uses; and of another package's all of its files."""
    if kind.__module__.split(".")[0] == PACKAGE:
        return source_hash(kind.__module__)
    from groundtrace.plugins import package_files

    files = package_files(kind)
    code = [str(path) for name, path in files.items() if name.endswith(".py")]
    data = sorted((name, file_hash(path)) for name, path in files.items() if not name.endswith(".py"))
    return hashlib.sha256(json.dumps([source_hash(*code), data]).encode()).hexdigest()[:16]


@cache
def file_hash(path: Path) -> str:
    """Hash of a file's content; of one that is missing, a word: the job that needs it says so."""
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:  # in pieces: an NWB file with stimuli may hold the movie as well
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _visit(module: str, name: str | None, seen: set[tuple[str, str]]) -> None:
    path = _module_path(module)
    if path is None:
        return
    if name is not None and _module_path(f"{module}.{name}") is not None:
        module, name = f"{module}.{name}", None
    _source(module).collect(name, seen)


@cache
def _module_path(module: str) -> Path | None:
    if module.split(".")[0] != PACKAGE:
        return None
    base = ROOT.joinpath(*module.split(".")[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


@cache
def _source(module: str) -> "_Source":
    path = _module_path(module)
    assert path is not None
    return _Source(path, module)


class _Source:
    """Top-level statements of one file, by the names they bind."""

    def __init__(self, path: Path, module: str | None):
        self.label = module or path.name
        body = ast.parse(path.read_text(encoding="utf-8")).body
        self.statements = [_Statement(part) for node in body if not _is_string(node) for part in _single(node)]
        # Statements that bind nothing run on import, whatever is imported.
        self.always = [statement for statement in self.statements if not statement.binds]
        self.binding: dict[str, list[_Statement]] = {}
        for statement in self.statements:
            for name in statement.binds:
                self.binding.setdefault(name, []).append(statement)

    def collect(self, name: str | None, seen: set[tuple[str, str]]) -> None:
        """Add to `seen` the statement that binds `name` (all when None) and everything it uses."""
        wanted = self.statements if name is None else [*self.binding.get(name, ()), *self.always]
        for statement in wanted:
            text, uses = statement.content
            if (self.label, text) in seen:
                continue
            seen.add((self.label, text))
            for module, used in uses:
                if module is not None:
                    _visit(module, used, seen)
                elif used in self.binding:
                    self.collect(used, seen)


class _Statement:
    """One top-level statement. Many rules use it, and it is looked at once."""

    def __init__(self, node: ast.stmt):
        self._node: ast.stmt | None = node
        self.binds = _bound_names(node)

    @cached_property
    def content(self) -> tuple[str, list[tuple[str | None, str | None]]]:
        """Its code without docstrings and layout; and what it imports (module, and the name or None for all of it) and
        the names that it reads (None, name)."""
        assert self._node is not None
        _strip(self._node)
        uses: list[tuple[str | None, str | None]] = []
        for node in ast.walk(self._node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                uses.append((None, node.id))
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                uses += [(node.module, None if alias.name == "*" else alias.name) for alias in node.names]
            elif isinstance(node, ast.Import):
                uses += [(alias.name, None) for alias in node.names]
        imports = _Imports()
        text = ast.dump(imports.visit(self._node) or ast.Pass())
        self._node = None  # trees are large
        return f"{text} {sorted(imports.names)}", list(dict.fromkeys(uses))


def _bound_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
        return [name for inner in statement.body for name in _bound_names(inner)]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return [
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
    return []


def _is_string(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _strip(tree: ast.stmt) -> None:
    """Drop every bare string (docstrings of classes, functions and fields), and what is UNCOUNTED of classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = [statement for statement in node.body if not UNCOUNTED.intersection(_bound_names(statement))]
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_string(statement)]


class _Imports(ast.NodeTransformer):
    """Takes imports from this package out of a statement: what they import counts, not where it lives."""

    def __init__(self):
        self.names: list[str] = []

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        if not _of_package(node):
            return node
        self.names += [f"{alias.name} as {alias.asname or alias.name}" for alias in node.names]
        return None


def _of_package(node: ast.stmt) -> TypeGuard[ast.ImportFrom]:
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE


def _single(node: ast.stmt) -> list[ast.stmt]:
    """An import from this package as one statement per name: how names are grouped does not count."""
    if not _of_package(node):
        return [node]
    return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]


def provenance(
    step: str,
    parameters: Mapping[str, Any],
    packages: Iterable[str],
    inputs: Iterable[Path | str],
    notices: Iterable["Notice"] = (),
) -> dict[str, Any]:
    """Metadata of a step's tables: its parameters, versions and notices after the history of its inputs.

    Nothing in it changes from run to run: no time, host or folder.
    """
    from groundtrace.io import read_provenance

    history: list[dict[str, Any]] = []
    sources: list[dict[str, Any]] = []
    for path in inputs:
        earlier = read_provenance(path)
        history += [entry for entry in earlier.get("history", []) if entry not in history]
        sources += [entry for entry in earlier.get("sources", []) if entry not in sources]
    versions = {PACKAGE: __version__} | {name: version(name) for name in sorted(packages)}
    entry = {"step": step, "parameters": dict(parameters), "versions": versions}
    if said := [notice.plain for notice in notices]:
        entry["notices"] = said
    return {"history": [*history, entry], "sources": sources}
