"""A local conda channel made of what is installed here: the versions of the lock, by their names on the package index.

It is no mirror of conda-forge. Each installed distribution becomes a conda package with the dependencies that it
declares, and `python` is a virtual environment of the interpreter that runs this.
"""

import hashlib
import json
import os
import platform
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pyarrow as pa
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SUBDIR = f"linux-{'64' if platform.machine() == 'x86_64' else platform.machine()}"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
VERSION = platform.python_version()


def build_channel(folder: Path, names: Iterable[str]) -> None:
    """Write packages of the named distributions, of all they need, and of `python`, to the channel `folder`."""
    (folder / SUBDIR).mkdir(parents=True)
    _python(folder)
    found: set[str] = set()
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            installed = distribution(name)
            needed = _requirements(installed)
            waiting += [canonicalize_name(requirement.name) for requirement in needed]
            _distribution(folder, name, installed, needed)
    _index(folder)


def _requirements(installed: Distribution) -> list[Requirement]:
    """What a distribution needs here, without extras."""
    needed = [Requirement(text) for text in installed.requires or []]
    return [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]


def _distribution(folder: Path, name: str, installed: Distribution, needed: list[Requirement]) -> None:
    depends = [f"{canonicalize_name(each.name)} {each.specifier}".strip() for each in needed]
    files = {
        f"lib/{PYTHON}/site-packages/{path.as_posix()}": Path(str(path.locate()))
        for path in installed.files or []
        # Commands of the other environment, and what it compiled, are left behind.
        if ".." not in path.parts and "__pycache__" not in path.parts
    }
    _package(folder, name, installed.version, [*depends, f"python {VERSION}"], files)


def _python(folder: Path) -> None:
    """The interpreter: links to it and the file that makes a virtual environment."""
    real = Path(os.path.realpath(sys.executable))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        # Without the last line it would see what is installed for the interpreter itself.
        (root / "pyvenv.cfg").write_text(
            f"home = {real.parent}\nversion = {VERSION}\ninclude-system-site-packages = false\n"
        )
        files = {"pyvenv.cfg": root / "pyvenv.cfg"}
        for command, target in ((PYTHON, str(real)), ("python3", PYTHON), ("python", PYTHON)):
            (root / command).symlink_to(target)
            files[f"bin/{command}"] = root / command
        _package(folder, "python", VERSION, [], files)


def _package(folder: Path, name: str, version: str, depends: list[str], files: dict[str, Path]) -> None:
    """Write one `.conda` file: a zip archive of two compressed tar archives, content and description."""
    stem = f"{name}-{version}-local_0"
    index = {
        "name": name,
        "version": version,
        "build": "local_0",
        "build_number": 0,
        "depends": depends,
        "subdir": SUBDIR,
        "arch": platform.machine(),
        "platform": "linux",
    }
    paths = {"paths_version": 1, "paths": [_entry(place, path) for place, path in files.items()]}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        info = {}
        for file, content in (("index.json", json.dumps(index)), ("paths.json", json.dumps(paths))):
            info[f"info/{file}"] = Path(scratch, file)
            info[f"info/{file}"].write_text(content)
        with zipfile.ZipFile(folder / SUBDIR / f"{stem}.conda", "w") as archive:
            archive.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
            for part, members in (("pkg", files), ("info", info)):
                packed = Path(scratch, part)
                _pack(packed, members)
                archive.write(packed, f"{part}-{stem}.tar.zst")


def _entry(place: str, path: Path) -> dict[str, object]:
    if path.is_symlink():
        return {"_path": place, "path_type": "softlink"}
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"_path": place, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(content)}


def _pack(packed: Path, members: dict[str, Path]) -> None:
    with (
        pa.CompressedOutputStream(str(packed), "zstd") as stream,
        tarfile.open(fileobj=stream, mode="w|") as archive,  # pyright: ignore[reportArgumentType]
    ):
        for place, path in members.items():
            archive.add(path, place, recursive=False)


def _index(folder: Path) -> None:
    import asyncio

    from rattler.index import index_fs

    asyncio.run(index_fs(folder))
