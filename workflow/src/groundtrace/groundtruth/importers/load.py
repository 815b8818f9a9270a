"""All sources of the config to one table: fetch what is on the web, import, join."""

import hashlib
import shutil
import tarfile
import tempfile
import urllib.request
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from groundtrace.errors import InputError
from groundtrace.groundtruth.importers.base import Row, make_table
from groundtrace.groundtruth.importers.cascade import import_cascade
from groundtrace.groundtruth.importers.nwb import import_nwb
from groundtrace.groundtruth.importers.parquet import import_parquet
from groundtrace.groundtruth.importers.spikefinder import import_spikefinder
from groundtrace.groundtruth.parameters import GroundTruthSource

IMPORTERS = {
    "cascade": import_cascade,
    "spikefinder": import_spikefinder,
    "parquet": import_parquet,
    "nwb": import_nwb,
}


def load_sources(sources: Mapping[str, GroundTruthSource]) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Table GroundTruth of all sources, and name and SHA-256 of each for the provenance."""
    if not sources:
        raise InputError("ground_truth: no source is configured; add one under `ground_truth` (docs/how-to.md)")
    rows: list[Row] = []
    owner: dict[tuple[str, str, int], str] = {}
    origin: list[dict[str, Any]] = []
    for name, source in sources.items():
        with local_files(source) as files:
            found = list(IMPORTERS[source.format](files, source))
            origin.append({"name": name, "sha256": source.sha256 or _digest(files)})
        if not found:
            raise InputError(f"ground_truth.{name}: no usable recording in {source.source}; see the warnings above")
        for row in found:
            key = (row["dataset"], row["neuron"], row["recording"])
            if key in owner:
                raise InputError(
                    f"ground_truth.{name}: recording {key} is also in ground_truth.{owner[key]}; "
                    "remove one of the two, or give its data set another name"
                )
            owner[key] = name
        rows += found
        _report(name, found)
    return make_table(rows), origin


@contextmanager
def local_files(source: GroundTruthSource) -> Iterator[list[Path]]:
    """The files of a source; an archive from the web is checked and unpacked to a temporary folder meanwhile."""
    if not source.is_url:
        yield source.files()
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        _download(source.source, archive)
        found = _digest([archive])
        if found != source.sha256:
            raise InputError(
                f"{source.source}: SHA-256 is {found}, the config says {source.sha256}; "
                "the file has changed or is damaged: check where it comes from, then write the new value as `sha256`"
            )
        # Some importers take the data set's name from the folder.
        unpacked = Path(folder) / "unpacked" / source.source.rsplit("/", 1)[-1].removesuffix(".zip").split(".t")[0]
        _unpack(source.source, archive, unpacked)
        yield source.model_copy(update={"source": str(unpacked), "sha256": None}).files()


def _download(url: str, target: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=60) as response, target.open("wb") as handle:
            shutil.copyfileobj(response, handle)
    except OSError as error:
        raise InputError(
            f"{url}: not downloaded ({error}); download it yourself and name the unpacked folder"
        ) from None


def _unpack(url: str, archive: Path, target: Path) -> None:
    """Unpack a .zip or .tar.gz; nothing is written outside `target`."""
    try:
        if url.endswith(".zip"):
            with zipfile.ZipFile(archive) as file:
                file.extractall(target)
        else:
            with tarfile.open(archive) as file:
                if hasattr(tarfile, "data_filter"):
                    file.extractall(target, filter="data")
                else:
                    # Python before 3.11.4
                    file.extractall(target, [_inside(target, member) for member in file])
    except (zipfile.BadZipFile, tarfile.TarError, OSError) as error:
        raise InputError(f"{url}: not a .zip or .tar.gz that can be unpacked ({error})") from None


def _inside(target: Path, member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A file or folder that lies below `target`; raises TarError for any other member."""
    if not (member.isfile() or member.isdir()) or not (target / member.name).resolve().is_relative_to(target.resolve()):
        raise tarfile.TarError(f"{member.name} would be written outside its folder")
    return member


def _digest(files: list[Path]) -> str:
    """SHA-256 of the files, in order."""
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as handle:
            while block := handle.read(2**22):
                whole.update(block)
    return whole.hexdigest()


def _report(name: str, rows: list[Row]) -> None:
    """Say what came in, and what is not fit for every use."""
    irregular = sum(not row["regular"] for row in rows)
    absurd = sum(not row["plausible"] and row["noise_level"] is not None for row in rows)
    neurons = len({(row["dataset"], row["neuron"]) for row in rows})
    print(f"ground_truth.{name}: {len(rows)} recordings of {neurons} neurons")
    if irregular:
        print(f"  {irregular} with uneven frame times (regular = false)")
    if absurd:
        warnings.warn(
            f"ground_truth.{name}: {absurd} of {len(rows)} recordings have absurd dF/F (plausible = false); "
            "dF/F is a fraction here, not per cent",
            stacklevel=2,
        )
