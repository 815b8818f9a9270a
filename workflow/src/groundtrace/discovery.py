"""Proposes a sample sheet for a NeuroBlueprint tree: `make sessions FROM=/data > config/sessions.tsv`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from groundtrace.adopted.formats import RESULTS, format_of
from groundtrace.errors import GroundtraceError, InputError
from groundtrace.movies.formats import SUFFIXES
from groundtrace.movies.raw import natural_order

COLUMNS = (
    "subject",
    "session",
    "date",
    "path",
    "format",
    "planes",
    "channels",
    "frame_rate",
    "pixel_size",
    "indicator",
    "location",
)
IMAGING = ("funcimg", "f2pe", "imaging")
"""Datatype folders of functional imaging; a session without one is searched as a whole."""


def propose_sheet(root: Path) -> str:
    """Tab-separated sheet with one row per `sub-…/ses-…` folder under `root` that holds movies, or else results of
    another pipeline, unless another folder of the same session holds movies (`rawdata` beside `derivatives`).

    What a folder's name does not tell (indicator; frame rate when the file has none) is left empty to be filled in.
    Raises InputError when there is no such folder.
    """
    found = [row for folder in natural_order(root.glob("**/sub-*/ses-*")) if (row := _row(folder))]
    recorded = {_session(row) for row in found if "format" not in row}
    rows = [row for row in found if "format" not in row or _session(row) not in recorded]
    if not rows:
        wanted = ", ".join(SUFFIXES)
        raise InputError(
            f"{root}: no folder sub-*/ses-* with movies ({wanted}) or results of Suite2p, CaImAn, EXTRACT, Minian or "
            "in NWB in it; write config/sessions.tsv by hand"
        )
    lines = ["\t".join(row.get(name, "") for name in COLUMNS) for row in rows]
    return "\n".join(["\t".join(COLUMNS), *lines]) + "\n"


def _row(folder: Path) -> dict[str, str]:
    """What the folder of a session tells, by the columns of the sheet; empty where it holds nothing to start from."""
    results = dict(_results(folder))
    movies = _movies(folder, results)
    # Of several pipelines the first in the order of RESULTS.
    chosen = "" if movies else next((name for name in RESULTS if name in results.values()), "")
    planes = natural_order(path for path, name in results.items() if name == chosen)
    if not (movies or planes):
        return {}
    subject, session = _keys(folder.parent.name), _keys(folder.name)
    return {
        "subject": subject["sub"].replace("-", "_"),
        "session": session["ses"].replace("-", "_"),
        "date": session.get("date", ""),
        "path": "; ".join(each.as_posix() for each in movies or planes),
        **({"format": chosen, "planes": str(len(planes))} if planes else {}),
    }


def _session(row: dict[str, str]) -> tuple[str, ...]:
    return row["subject"], row["session"], row["date"]


def _keys(name: str) -> dict[str, str]:
    """`ses-001_date-20260301` to {ses: 001, date: 20260301}."""
    return dict(re.findall(r"(?:^|_)([a-z]+)-([^_]+)", name))


def _movies(folder: Path, results: dict[Path, str]) -> list[Path]:
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not results.keys() & {path, *path.parents}
    ]
    in_imaging = [path for path in found if set(path.relative_to(folder).parts) & set(IMAGING)]
    return natural_order(in_imaging or found)


def _results(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files and folders with ROIs and traces of another pipeline, and their formats."""
    for path in (folder, *folder.rglob("*")):
        if name := format_of(path):
            yield path, name


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "")
    if not sys.argv[1:] or not root.is_dir():
        raise SystemExit(f"error: {str(root)!r} is not a folder; name the one above sub-*: make sessions FROM=/data")
    try:
        sys.stdout.write(propose_sheet(root))
    except GroundtraceError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
