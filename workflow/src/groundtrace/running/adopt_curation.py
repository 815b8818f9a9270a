"""Verdicts of Suite2p's GUI, taken over into curation files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.adopted import suite2p
from groundtrace.arrays import BoolArray
from groundtrace.curation.adopt import edited, foreign, joined
from groundtrace.curation.file import Decision, read_curation, write_curation
from groundtrace.errors import InputError
from groundtrace.extraction.outlines import drawn
from groundtrace.io import read_table, write_text
from groundtrace.running import layout
from groundtrace.running.curations import Curations


def adopt_curation(entries: layout.Entries, curations: Curations) -> Iterator[str]:
    """Write the curation file of every plane for which Suite2p keeps other verdicts; yield a line for each folder.

    Folders are those that `snakemake -- suite2p` made, edited in the GUI since, and folders of Suite2p that lie, or are
    linked, beside the curation file under the name of the recipe. Raises InputError when there is none.
    """
    folders = 0
    for entry in entries.rows:
        where = {"session": entry.session, "plane": entry.plane, "recipe": entry.recipe}
        exported = entry.results / layout.SUITE2P.format(**where)
        path = Path(curations.path(**where))
        linked = path.with_name(entry.recipe)
        for folder, take in ((exported, _edited), (linked, _foreign)):
            if (folder / "iscell.npy").is_file():
                folders += 1
                held = read_curation(path, entry.session, entry.plane) if path.is_file() else ()
                new, told = take(folder, entry, held)
                if new:
                    write_text(path, write_curation(joined(held, new), entry.session, entry.plane))
                yield f"{folder}: {told}" + (f"; in {path}" if new else "")
    if not folders:
        raise InputError(
            "adopt_curation: no iscell.npy to read; make folders with `snakemake -- suite2p` and edit them in "
            "Suite2p's GUI, or link a plane folder of Suite2p as "
            f"{curations.config.curation}/<session>/plane-<n>/<recipe>"
        )


def _edited(folder: Path, entry: layout.Entry, held: tuple[Decision, ...]) -> tuple[list[Decision], str]:
    new = edited(_table(entry.rois, folder), verdicts(folder), held, str(folder))
    return new, f"{len(new)} verdict{'' if len(new) == 1 else 's'} changed in the GUI" if new else "as it was exported"


def _foreign(folder: Path, entry: layout.Entry, held: tuple[Decision, ...]) -> tuple[list[Decision], str]:
    found = _table(entry.rois.with_name("found.parquet"), folder)
    verdict = verdicts(folder)
    shape = (1 + max(max(y) for y in found["pixel_y"]), 1 + max(max(x) for x in found["pixel_x"]))
    settings = suite2p.read_all(folder)
    shape = (int(settings.get("Ly") or shape[0]), int(settings.get("Lx") or shape[1]))
    outlines = [drawn(*footprint) for footprint in suite2p.footprints(folder, shape)]
    if len(outlines) != len(verdict):
        raise InputError(f"{folder}: stat.npy has {len(outlines)} ROIs, iscell.npy {len(verdict)}; {suite2p.AGAIN}")
    new, lost = foreign(found, outlines, verdict, held)
    gone = f", {lost} of its cells have no ROI here" if lost else ""
    return new, f"verdicts about {len(new) - lost} of {found.height} ROIs{gone}"


def verdicts(folder: Path) -> BoolArray:
    """(n_rois,) of iscell.npy."""
    found = suite2p.array(folder / "iscell.npy")
    if found.ndim not in (1, 2) or not np.issubdtype(found.dtype, np.number):
        raise InputError(f"{folder / 'iscell.npy'}: has shape {found.shape}, and must be (n_rois, 2); {suite2p.AGAIN}")
    return np.atleast_2d(found.T).T[:, 0] > 0.5


def _table(path: Path, folder: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InputError(f"{folder}: there are no ROIs yet to hold them against ({path}); run the workflow first")
    return read_table(path)
