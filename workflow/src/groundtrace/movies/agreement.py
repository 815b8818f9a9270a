"""Do the files of one session belong together, and in which order."""

import math
from collections.abc import Sequence

from groundtrace.errors import InputError
from groundtrace.movies.raw import Raw

SAME = 0.02
"""Relative difference up to which two files have the same rate, pixel size or zoom: some programs write what they
measured."""


def in_their_order(raws: Sequence[Raw]) -> list[Raw]:
    """Files as given, or as the metadata of one of them tells when they are exactly its data set."""
    place = {name: number for number, name in enumerate(max((raw.metadata.members for raw in raws), key=len))}
    if place.keys() != {raw.path.name for raw in raws}:
        return list(raws)
    return sorted(raws, key=lambda raw: place[raw.path.name])


def check_alike(raws: Sequence[Raw]) -> None:
    """Raise InputError when files differ in what one recording has in common, or one of a data set is not there."""
    first = raws[0]
    names = {raw.path.name for raw in raws}
    for raw in raws:
        if (raw.height, raw.width, raw.dtype) != (first.height, first.width, first.dtype):
            raise InputError(
                f"{raw.path}: frames are {raw.height} × {raw.width} {raw.dtype}, those of {first.path.name} "
                f"{first.height} × {first.width} {first.dtype}; files of a session must be alike: use one row for each"
            )
        missing = [name for name in raw.metadata.members if name not in names]
        if missing and raw.path.name in raw.metadata.members:
            raise InputError(
                f"{raw.path}: is one of {len(raw.metadata.members)} files of a data set, {missing[0]} is not in the "
                "sheet; write all of them in the column path, for example as a glob"
            )
    for name, unit in (("frame_rate", " Hz"), ("pixel_size", " µm"), ("zoom", ""), ("flyback", " frames")):
        _check_same(raws, name, unit)


def _check_same(raws: Sequence[Raw], name: str, unit: str) -> None:
    known = [
        (raw, value) for raw in raws if (value := getattr(raw.metadata, name)) is not None and math.isfinite(value)
    ]
    for raw, value in known[1:]:
        first, expected = known[0]
        if abs(value - expected) > SAME * abs(expected):
            raise InputError(
                f"{raw.path}: its {name.replace('_', ' ')} is {value:.4g}{unit}, that of {first.path.name} "
                f"{expected:.4g}{unit}; files of a session must be alike: use one row for each"
            )
