"""Backends that other packages bring, by entry points of the group `groundtrace.<stage>`:

    [project.entry-points."groundtrace.motion"]
    centroid = "my_package:Centroid"

The entry point has the name that the config's key `backend` takes.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import get_args

from groundtrace.denoising.base import DenoisingBackend
from groundtrace.encoding.base import EncodingBackend
from groundtrace.errors import InputError
from groundtrace.extraction.base import ExtractionBackend
from groundtrace.motion.base import MotionBackend
from groundtrace.section import Backend
from groundtrace.spikes.base import SpikeBackend

BASES = {
    "motion": MotionBackend,
    "denoise": DenoisingBackend,
    "extract": ExtractionBackend,
    "spikes": SpikeBackend,
    "encode": EncodingBackend,
}
"""What a backend of each stage is a subclass of."""


def installed(own: Mapping[str, Sequence[str]]) -> dict[str, list[type[Backend]]]:
    """Backends of installed packages, of the stages for which there are any.

    own: names of groundtrace's own backends, by stage. Raises InputError when a package does not keep the rules.
    """
    found: dict[str, list[type[Backend]]] = {}
    for stage, entries in _entries().items():
        taken = dict.fromkeys(own[stage], "groundtrace")
        for entry in sorted(entries):
            if entry.name in taken:
                raise _fault(entry, f"the name {entry.name!r} is taken by {taken[entry.name]}; choose another")
            taken[entry.name] = _distribution(entry).name
            found.setdefault(stage, []).append(_load(entry, BASES[stage]))
    return found


def package_files(kind: type[Backend]) -> dict[str, Path]:
    """Files of the package that brings a backend, by their place in it; without what its installation adds."""
    distribution = next(
        _distribution(entry) for entries in _entries().values() for entry in entries if entry.load() is kind
    )
    files = {str(file): Path(str(distribution.locate_file(file))) for file in distribution.files or ()}
    if Path(inspect.getfile(kind)) not in files.values():
        # Installed in place (`pip install --editable`): the package is elsewhere and not listed.
        files = dict(_files_beside(kind))
    return {
        name: path for name, path in files.items() if not re.search(r"(^|/)(\.\.|__pycache__|[^/]+\.dist-info)/", name)
    }


def _files_beside(kind: type[Backend]) -> Iterator[tuple[str, Path]]:
    """Files of the top-level package, or module, in which a class is defined."""
    top = sys.modules[kind.__module__.partition(".")[0]]
    folders = [Path(folder) for folder in getattr(top, "__path__", ())]
    if not folders:
        yield f"{top.__name__}.py", Path(inspect.getfile(top))
    for folder in folders:
        yield from ((str(path.relative_to(folder.parent)), path) for path in folder.rglob("*") if path.is_file())


def _entries() -> dict[str, list[EntryPoint]]:
    """Entry points by stage.

    `importlib.metadata.entry_points` parses those of every distribution: 38 ms at the start of each job, where a look
    at their texts takes 2.
    """
    bringing: dict[str, Distribution] = {}
    for distribution in distributions():
        if "[groundtrace." in (distribution.read_text("entry_points.txt") or ""):
            # The first on the path is the one that is imported.
            bringing.setdefault(_normal(distribution.name), distribution)
    every = [entry for distribution in bringing.values() for entry in distribution.entry_points]
    return {stage: [entry for entry in every if entry.group == f"groundtrace.{stage}"] for stage in BASES}


def _load(entry: EntryPoint, base: type[Backend]) -> type[Backend]:
    try:
        kind = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever the import of a foreign package raises is its author's
        raise _fault(entry, f"{entry.value} cannot be imported: {type(error).__name__}: {error}") from None
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise _fault(entry, f"{entry.value} is no subclass of {base.__module__}.{base.__name__}")
    if missing := sorted(kind.__abstractmethods__):
        raise _fault(entry, f"{entry.value} does not define {', '.join(missing)}")
    field = kind.model_fields.get("backend")
    if field is None or (get_args(field.annotation), field.default) != ((entry.name,), entry.name):
        raise _fault(entry, f'{entry.value} needs the field `backend: Literal["{entry.name}"] = "{entry.name}"`')
    distribution = _distribution(entry).name
    if _normal(distribution) not in map(_normal, kind.packages):
        raise _fault(entry, f"{entry.value}.packages does not name {distribution!r}, whose version tables record")
    return kind


def _distribution(entry: EntryPoint) -> Distribution:
    assert entry.dist is not None, "entry points of a distribution know it"
    return entry.dist


def _normal(name: str) -> str:
    """Name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _fault(entry: EntryPoint, cause: str) -> InputError:
    name = _distribution(entry).name
    return InputError(
        f"package {name} {_distribution(entry).version}, entry point {entry.name!r} of {entry.group}: {cause}\n"
        f"Mend the package, or do without it: pip uninstall {name}"
    )
