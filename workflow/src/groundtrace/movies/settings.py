"""What raw files tell of the microscope, as settings with a place in the file: nothing is converted by guess."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from groundtrace.acquisition import Setting
from groundtrace.movies.raw import Metadata

Read = Callable[[Any], Any]
"""A value as the file has it to that of a Setting; may raise what a malformed value makes Python raise."""


def settings_of(found: Mapping[str, Any], keys: Iterable[tuple[str, str, Read]]) -> tuple[Setting, ...]:
    """Settings among what a file holds by `keys`: name, key in the file, and how its value is read.

    What is absent, malformed, empty or not finite is left out. The first key of a name counts.
    """
    known: dict[str, Setting] = {}
    for name, key, read in keys:
        if name in known or found.get(key) is None:
            continue
        try:
            value = read(found[key])
        except (TypeError, ValueError, IndexError, KeyError, AttributeError):
            continue
        if _tells(value):
            known[name] = Setting(name=name, value=value, source=key)
    return tuple(known.values())


def all_settings(metadata: Metadata) -> tuple[Setting, ...]:
    """With the size of pixels, which every format tells under a name of its own."""
    size = metadata.pixel_size
    told = (Setting(name="pixel_size", value=size, source="metadata of the file"),) if size else ()
    return (*metadata.settings, *told)


def positive(value: Any) -> float:
    """A positive number; raises ValueError for any other."""
    number = float(value)
    if not number > 0:
        raise ValueError(value)
    return number


def numbers(value: Any) -> tuple[float, ...]:
    """One number or a list of them."""
    return tuple(float(each) for each in (value if isinstance(value, list | tuple) else [value]))


def scaled(factor: float) -> Read:
    """A positive number in another unit."""
    return lambda value: positive(value) * factor


def _tells(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return bool(parts) and all(
        part != "" and not (isinstance(part, float) and not math.isfinite(part)) for part in parts
    )
