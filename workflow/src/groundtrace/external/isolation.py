"""Other people's packages: kept from the user's home, and from modules that they import and we never call."""

import os
import sys
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Set environment variables for the block; HOME, so that a package neither reads nor writes the user's files."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def home(folder: Path) -> Iterator[None]:
    """Run the block with `folder` as the user's home."""
    with variables(HOME=str(folder)):
        yield


@contextmanager
def without(package: str, *modules: str) -> Iterator[None]:
    """Imports of `modules` in the block give something that can be imported from but not called.

    Modules that are loaded already are left alone. `package` is named in the error of a call.
    """
    absent = {name: _Absent(name, package) for name in modules if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


class _Absent(ModuleType):
    """Stands in for a module that is imported and not used."""

    __path__: MutableSequence[str] = []

    def __init__(self, name: str, package: str):
        super().__init__(name)
        self._user = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_: Any, **__: Any) -> None:
            raise RuntimeError(
                f"{self.__name__}.{name} is not available: groundtrace loads {self._user} without {self.__name__}"
            )

        return missing
