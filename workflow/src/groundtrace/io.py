"""Reading and writing: outputs appear whole or not at all, tables carry their meaning."""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtrace.errors import InputError

# Imported where a table is read or written: Snakemake reads the config, without a table, at the start of every job.
if TYPE_CHECKING:
    import polars as pl

    from groundtrace.tables import Table

METADATA_KEY = b"groundtrace"


@contextmanager
def atomic(path: Path | str, scratch: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place if the block succeeds, delete it if not.

    With `scratch`, a node's own disk, the block writes there and the whole file is copied. What a killed process left
    of the same file is deleted; a step has one process at a time (`job`).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        if scratch is None:
            yield temporary
        else:
            yield scratch / f"new-{path.name}"
            need_room(path.parent, (scratch / f"new-{path.name}").stat().st_size)
            shutil.copyfile(scratch / f"new-{path.name}", temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_table(path: Path | str, table: "type[Table]", frame: "pl.DataFrame", provenance: Mapping[str, Any]) -> None:
    """Validate `frame` against its declaration and write it as Parquet, with units and provenance in the metadata.

    Raises SchemaError, naming table, column and value, when the frame breaks its declaration.
    """
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    from groundtrace.tables import validate

    frame = validate(table, frame)
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = []
    for field in arrow.schema:
        unit, description = table.meaning(field.name)
        fields.append(field.with_metadata({"unit": unit, "description": description}))
    metadata = {"table": table.__name__, "schema_version": table.version, **provenance}
    schema = pa.schema(fields, metadata={METADATA_KEY: json.dumps(metadata, sort_keys=True).encode()})
    with atomic(path) as temporary:
        pq.write_table(
            pa.Table.from_arrays(arrow.columns, schema=schema), temporary, compression="zstd", store_schema=True
        )


def read_table(path: Path | str, columns: Sequence[str] | None = None) -> "pl.DataFrame":
    """Read a table written by `write_table`."""
    import polars as pl

    return pl.read_parquet(path, columns=list(columns) if columns is not None else None)


def read_provenance(path: Path | str) -> dict[str, Any]:
    """Metadata of a table: its name, schema version, sources and the history of the steps that made it."""
    path = Path(path)
    if path.suffix == ".json":
        content = json.loads(path.read_bytes())
        return {key: content.get(key, []) for key in ("sources", "history")}
    import pyarrow.parquet as pq

    metadata = pq.read_schema(path).metadata or {}
    if METADATA_KEY not in metadata:
        raise InputError(f"{path}: not a groundtrace table (no provenance in its metadata); make it again")
    return json.loads(metadata[METADATA_KEY])


def read_meanings(path: Path | str) -> dict[str, tuple[str, str]]:
    """Unit and description of each column of a table."""
    import pyarrow.parquet as pq

    told = {field.name: field.metadata or {} for field in pq.read_schema(path)}
    return {
        name: (found.get(b"unit", b"").decode(), found.get(b"description", b"").decode())
        for name, found in told.items()
    }


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_arrays(path: Path | str, **arrays: np.ndarray) -> None:
    """Write named arrays as a compressed `.npz`."""
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)


def read_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """Read all arrays of an `.npz`."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def need_room(folder: Path, size: int) -> None:
    """Raise InputError when a disk has no room for a movie: a full one would end the process as it writes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise InputError(
            f"{folder}: {free / 1e9:.1f} GB are free and a movie of {size / 1e9:.1f} GB must be written; make room, or "
            "name another folder (`results` in the config, `tmpdir` in the profile)"
        )
