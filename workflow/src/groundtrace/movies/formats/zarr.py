"""Zarr: an array (T, Y, X) or (T, Z, Y, X), the only such array of a group, or OME-Zarr with its named axes."""

from pathlib import Path
from typing import Any

from groundtrace.errors import InputError
from groundtrace.movies.notes import note
from groundtrace.movies.raw import Format, Metadata
from groundtrace.movies.stored_array import ArrayRaw, the_only


def open_zarr(path: Path) -> ArrayRaw:
    import zarr

    node: Any = zarr.open(path, mode="r")
    if isinstance(node, zarr.Array):
        found: dict[str, Any] = {path.name: node}
    else:
        found = {name: item for name, item in node.members(max_depth=None) if isinstance(item, zarr.Array)}
        found = {name: item for name, item in found.items() if item.ndim in (3, 4, 5)}
    array = the_only(path, found, "array of 3 to 5 axes", "keep one, or name the movie `data`")
    described: Any = node.attrs
    multiscales = described.get("multiscales") or described.get("ome", {}).get("multiscales")
    if multiscales:
        axes = "".join(str(axis["name"]).upper() for axis in multiscales[0]["axes"])
    else:
        axes = {3: "TYX", 4: "TZYX"}.get(array.ndim, "")
    if sorted(axes) not in ([*"TXY"], [*"TXYZ"], [*"CTXY"], [*"CTXYZ"]):
        raise InputError(
            f"{path}: has axes {axes or array.shape}; a movie is (T, Y, X), (T, Z, Y, X), or OME-Zarr with a time axis"
        )
    if array.nchunks_initialized < array.nchunks:
        note(
            path,
            f"{array.nchunks - array.nchunks_initialized} of {array.nchunks} chunks are not in the store and "
            f"read as {array.fill_value}; if the recording was not dark there, copy it again",
            "chunks_missing",
        )
    sizes = dict(zip(axes, array.shape, strict=True))
    return ArrayRaw(path, array, axes, Metadata(planes=sizes.get("Z"), channels=sizes.get("C")))


FORMAT = Format(open_zarr, suffixes=(".zarr",), folder=True)
