"""CaImAn 1.12 as a library: leaves no trace, keeps to its cores, and takes no setting that it would not obey.

CaImAn is on conda-forge only.
"""

import logging
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.errors import BackendError, InputError, did_you_mean
from groundtrace.external.isolation import variables, without

PACKAGES = ("caiman", "numpy", "scipy", "scikit-learn")
"""What decides the results of the CaImAn backends."""
UNUSED = ("tensorflow", "caiman.utils.nn_models")
"""Only CaImAn's neural networks, which groundtrace does not use, call them; their import takes longer than the rest."""
GROUPS = ("data", "patch", "preprocess", "init", "spatial", "temporal", "merging", "quality", "online", "motion")
FRAMES_AT_ONCE = 1024
"""So many values of one pixel fill a page of the file."""
BLOCK_BYTES = 32 << 20


@contextmanager
def caiman_session(scratch: Path, threads: int) -> Iterator[Pool]:
    """Import CaImAn and run the block with HOME and CaImAn's files in `scratch`; yields a pool of `threads` processes.

    The pool is there with one thread too: with and without, CaImAn divides its work differently, and so rounds it
    differently. BLAS gets one thread in each process.
    """
    place = str(scratch)
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    with ExitStack() as stack:
        stack.enter_context(variables(HOME=place, CAIMAN_TEMP=place, CAIMAN_DATA=place, MPLCONFIGDIR=place, **one))
        _import_caiman()
        from threadpoolctl import threadpool_limits

        stack.enter_context(threadpool_limits(1))
        stack.enter_context(_random_numbers())
        stack.enter_context(_quiet())
        yield stack.enter_context(_processes(threads))


def _import_caiman() -> None:
    if "caiman.source_extraction.cnmf" in sys.modules:
        return
    with without("CaImAn", *UNUSED), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import caiman.source_extraction.cnmf  # pyright: ignore[reportMissingImports]  # noqa: F401
        except ImportError as error:
            raise BackendError(
                f"CaImAn does not import ({error}); it is on conda-forge only: run snakemake with --sdm conda, "
                "or choose a method with another backend in the config"
            ) from None


@contextmanager
def _processes(count: int) -> Iterator[Pool]:
    """Worker processes that have CaImAn loaded already: forked, where the system forks safely.

    CaImAn draws from NumPy's global random numbers; every task starts them anew, whichever process takes it.
    """
    method = "fork" if sys.platform == "linux" else "spawn"
    with multiprocessing.get_context(method).Pool(count, initializer=_import_caiman) as pool:
        unseeded = pool.map_async

        # On the object: CaImAn knows a pool by the name of its class.
        def map_async(function: Callable[[Any], Any], tasks: Iterable[Any], *rest: Any, **options: Any) -> Any:
            return unseeded(_seeded, [(function, task) for task in tasks], *rest, **options)

        pool.map_async = map_async  # pyright: ignore[reportAttributeAccessIssue]
        yield pool


def _seeded(call: tuple[Callable[[Any], Any], Any]) -> Any:
    function, task = call
    _seed()
    return function(task)


def _seed() -> None:
    np.random.seed(0)  # noqa: NPY002 - what CaImAn and scikit-learn draw from


@contextmanager
def _random_numbers() -> Iterator[None]:
    """NumPy's global random numbers from their start, and back at the end."""
    state = np.random.get_state()  # noqa: NPY002 - see _seed
    _seed()
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - see _seed


@contextmanager
def _quiet() -> Iterator[None]:
    """CaImAn's errors only: its warnings are of deprecated ways to call it, and of settings that it corrects."""
    logger = logging.getLogger("caiman")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def map_frames(movie: Movie, origin: int, scratch: Path) -> Path:
    """The movie as CaImAn's memory map of float32 frames (order F): each frame transposed, one after the other.

    `origin` becomes zero: CaImAn expects values near it, and float32 has more digits there.
    """
    frames, height, width = movie.shape
    path = scratch / f"movie_d1_{height}_d2_{width}_d3_1_order_F_frames_{frames}.mmap"
    step = max(1, BLOCK_BYTES // (4 * height * width))
    with path.open("wb") as out:
        for start in range(0, frames, step):
            block = _from(origin, movie[start : start + step]).transpose(0, 2, 1)
            out.write(np.ascontiguousarray(block).data)
    return path


def map_pixels(movie: Movie, frames: IntArray, origin: int, scratch: Path) -> Path:
    """Some frames of the movie as CaImAn's memory map of float32 traces (order C): pixel after pixel, column by column.

    `origin` becomes zero: CaImAn takes light for positive. Written in blocks of whole pages of the file.
    """
    height, width = movie.shape[1:]
    path = scratch / f"movie_d1_{height}_d2_{width}_d3_1_order_C_frames_{len(frames)}.mmap"
    shape = (width, height, len(frames))
    np.memmap(path, np.float32, "w+", shape=shape)
    lines = max(1, BLOCK_BYTES // (4 * width * FRAMES_AT_ONCE))
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        chosen = frames[start : start + FRAMES_AT_ONCE]
        for top in range(0, height, lines):
            part = _from(origin, movie[chosen, top : top + lines])
            # Mapped anew for each block: the pages of a map stay in memory until it is closed.
            mapped = np.memmap(path, np.float32, "r+", shape=shape)
            mapped[:, top : top + lines, start : start + FRAMES_AT_ONCE] = part.transpose(2, 1, 0)
            del mapped
    return path


def _from(origin: int, values: IntArray) -> FloatArray:
    exact = np.int32 if values.dtype.itemsize <= 2 else np.int64
    return np.subtract(values, origin, dtype=exact).astype(np.float32)


def parameters(changes: Mapping[str, Any], own: Mapping[str, Any], closed: Mapping[str, str]) -> Any:
    """CaImAn's CNMFParams: its defaults, the user's `changes`, then our `own`, all nested by its groups.

    `closed` are settings that a user cannot change here, as dotted name (a trailing dot closes all below) and what to
    do instead. Raises InputError at unknown, closed or impossible ones.
    """
    from caiman.source_extraction.cnmf.params import CNMFParams  # pyright: ignore[reportMissingImports]

    known = {group: CNMFParams().get_group(group) for group in GROUPS}
    merged: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for group, values in changes.items():
        if group not in known:
            raise InputError(f"settings: CaImAn has no group {group!r}; known here: {_listed(group, known)}")
        if not isinstance(values, Mapping):
            raise InputError(f"settings: {group!r} is a group of settings, not the value {values!r}")
        for key, value in values.items():
            _check(f"{group}.{key}", value, known[group], closed)
            merged[group][key] = deepcopy(value)
    for group, values in own.items():
        assert not set(values) - set(known[group]), f"CaImAn has no settings {set(values) - set(known[group])}"
        merged[group] |= values
    return CNMFParams(params_dict=merged)


def _check(name: str, value: Any, known: Mapping[str, Any], closed: Mapping[str, str]) -> None:
    group, _, key = name.partition(".")
    if key not in known:
        raise InputError(f"settings: CaImAn has no setting {name!r}; known in {group!r}: {_listed(key, known)}")
    for shut, instead in closed.items():
        if name == shut or (shut.endswith(".") and name.startswith(shut)):
            raise InputError(f"settings: {name!r} cannot be set here; {instead}")
    default = known[key]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {bool: isinstance(value, bool), int: number, float: number, str: isinstance(value, str)}
    if not fits.get(type(default), True):
        raise InputError(
            f"settings: {name!r} is {value!r}; it takes a value of type {type(default).__name__}, such as {default!r}"
        )


def _listed(wrong: str, known: Mapping[str, Any]) -> str:
    return ", ".join(known) + did_you_mean(wrong, known)
