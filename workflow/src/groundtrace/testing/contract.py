"""Promises of a backend, and how they are checked."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

import numpy as np

from groundtrace.section import Backend


@dataclass(frozen=True)
class Promise:
    """One thing that holds for every backend of a stage."""

    name: str
    check: Callable[[Any, Path], None]
    """Given a contract and an empty folder; raises AssertionError."""


def promise(*cases: Any) -> Callable[[Callable], Callable]:
    """Mark a method `(self, folder)` of a contract; with cases, one `(self, folder, case)` that is checked for each."""

    def mark(method: Any) -> Any:
        method.cases = cases
        return method

    return mark


B = TypeVar("B", bound=Backend)


class Contract(Generic[B]):
    """What every backend of a stage promises, checked on one of them; what promises share is made once."""

    def __init__(self, backend: B):
        self.backend = backend

    @classmethod
    def promises(cls) -> list[Promise]:
        """In the order of the class."""
        marked = [method for method in vars(cls).values() if hasattr(method, "cases")]
        return [each for method in marked for each in _promises(method)]

    def check(self) -> None:
        """Raise AssertionError for the first promise that the backend breaks."""
        for each in self.promises():
            try:
                with TemporaryDirectory() as folder:
                    each.check(self, Path(folder))
            except AssertionError as error:
                broken = f"{type(self.backend).__name__} breaks the promise {each.name}: {error}"
                raise AssertionError(broken) from error


def _promises(method: Any) -> list[Promise]:
    name = method.__name__
    if not method.cases:
        return [Promise(name, method)]
    return [
        Promise(f"{name}[{case}]", lambda contract, folder, case=case: method(contract, folder, case))
        for case in method.cases
    ]


def new_folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def read_only(movie: np.ndarray, folder: Path) -> Path:
    """Write a movie as the workflow hands it on."""
    path = folder / "movie.npy"
    np.save(path, movie)
    path.chmod(0o444)
    return path


@contextmanager
def untouched(movie: np.ndarray, folder: Path) -> Iterator[Path]:
    """A folder to work in; afterwards the movie in it and the home directory must be as they were."""
    home, work, usual = new_folder(folder, "home"), new_folder(folder, "work"), os.environ.get("HOME", "")
    os.environ["HOME"] = str(home)
    try:
        yield work
        assert os.environ["HOME"] == str(home), "the environment variable HOME was changed"
    finally:
        os.environ["HOME"] = usual
    assert list(home.iterdir()) == [], f"written into the home directory: {sorted(p.name for p in home.iterdir())}"
    assert np.array_equal(np.load(work / "movie.npy"), movie), "the movie was changed"


def assert_close(found: Any, wanted: Any, what: str, *, within: float) -> None:
    """Largest absolute difference."""
    away = float(np.abs(np.asarray(found, np.float64) - np.asarray(wanted, np.float64)).max())
    assert away <= within, f"{what}: {away:g} off, {within:g} is allowed"
