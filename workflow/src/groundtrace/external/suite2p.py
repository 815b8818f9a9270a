"""Suite2p 1.1.0 as a library: leaves no trace, runs fast, and takes no setting that it would not obey."""

import ctypes
import sys
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from groundtrace.errors import InputError, did_you_mean
from groundtrace.external.isolation import home, without

PACKAGES = ("numpy", "scipy", "scikit-learn", "suite2p", "torch")
"""What decides the results of the Suite2p backends."""

# <malloc.h>; mallopt is glibc's, elsewhere there is nothing to tune.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_HEAP_STEP = 256 << 20


@contextmanager
def suite2p_session(scratch: Path, threads: int) -> Iterator[None]:
    """Import Suite2p and run the block with HOME in `scratch`, `threads` cores, and a heap that keeps its pages.

    One thread per torch or BLAS call: the backends run batches side by side instead, so that results do not depend
    on the number of threads. Everything is set back at the end.
    """
    with ExitStack() as stack:
        stack.enter_context(home(scratch))
        stack.enter_context(_steady_heap())
        _import_suite2p()
        import torch
        from threadpoolctl import threadpool_limits

        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        stack.enter_context(threadpool_limits(1))
        yield


@contextmanager
def worker_pool(threads: int) -> Iterator[Executor]:
    """Threads that run batches side by side, each on one core."""
    import torch

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield pool


@contextmanager
def _steady_heap() -> Iterator[None]:
    """Keep freed memory in the process: half to four fifths of Suite2p's registration time is page faults without."""
    try:
        mallopt, trim = ctypes.CDLL(None).mallopt, ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        yield
        return
    for option, value in (
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, 2**31 - 1),
        (_M_TOP_PAD, _HEAP_STEP),
        (_M_ARENA_MAX, 1),
    ):
        mallopt(option, value)
    try:
        yield
    finally:
        # glibc's defaults; it offers no way to ask for what was set before.
        for option, value in ((_M_MMAP_MAX, 65536), (_M_TRIM_THRESHOLD, 128 << 10), (_M_TOP_PAD, 128 << 10)):
            mallopt(option, value)
        trim(0)


def _import_suite2p() -> None:
    """Import Suite2p without Cellpose, whose import takes longer than all the rest and needs a matching torchvision.

    Suite2p's functional detection never calls it.
    """
    if "suite2p" in sys.modules:
        return
    names = [f"cellpose{part}" for part in ("", ".metrics", ".models", ".transforms", ".utils")]
    unloaded = () if "cellpose" in sys.modules else names
    with without("Suite2p", *unloaded), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import suite2p.registration  # noqa: F401


def merge_settings(changes: Mapping[str, Any], own: Mapping[str, Any], closed: Mapping[str, str]) -> dict[str, Any]:
    """Suite2p's default settings with the user's `changes` and then our `own` merged into them, level by level.

    `own` are nested like Suite2p's settings; `closed` are settings that a user cannot change here, as dotted name
    (a trailing dot closes all below) and what to do instead. Raises InputError at unknown, closed or impossible ones.
    """
    from suite2p.parameters import SETTINGS, default_settings

    merged = deepcopy(default_settings())
    _merge(merged, changes, SETTINGS, "", closed)
    _merge(merged, own, SETTINGS, "", {})
    return merged


def _merge(
    target: dict[str, Any],
    changes: Mapping[str, Any],
    declared: Mapping[str, Any],
    prefix: str,
    closed: Mapping[str, str],
) -> None:
    for key, value in changes.items():
        name = f"{prefix}{key}"
        if key not in declared:
            hint = did_you_mean(key, declared) or did_you_mean(key, _elsewhere(key), 0)
            raise InputError(f"settings: Suite2p has no setting {name!r}; known here: {', '.join(declared)}{hint}")
        for shut, instead in closed.items():
            if name == shut or (shut.endswith(".") and f"{name}.".startswith(shut)):
                raise InputError(f"settings: {name!r} cannot be set here; {instead}")
        if "description" not in declared[key]:
            if not isinstance(value, Mapping):
                raise InputError(f"settings: {name!r} is a section of settings, not the value {value!r}")
            _merge(target[key], value, declared[key], f"{name}.", closed)
        else:
            _check(name, value, declared[key])
            target[key] = deepcopy(value)


def _elsewhere(key: str) -> list[str]:
    """Where a key without its section belongs."""
    from suite2p.parameters import SETTINGS

    return [f"{section}: {{{key}: …}}" for section, content in SETTINGS.items() if key in content][:1]


def _check(name: str, value: Any, declared: Mapping[str, Any]) -> None:
    """Type and range as Suite2p declares them (its GUI obeys them, its functions do not)."""
    kind, low, high = declared["type"], declared["min"], declared["max"]
    if value is None and declared["default"] is None:
        return
    fits = {
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
    }.get(kind, True)
    if not fits:
        raise InputError(f"settings: {name!r} is {value!r}; it takes a value of type {kind.__name__}")
    if low is not None and not isinstance(value, bool) and isinstance(value, int | float) and not low <= value <= high:
        raise InputError(f"settings: {name!r} is {value!r}; allowed are {low} to {high}")
