"""ROIs that were made elsewhere, as a file holds them."""

from pathlib import Path

from groundtrace.errors import InputError
from groundtrace.extraction.given import imagej, labels, nwb, table
from groundtrace.extraction.given.drawn import Drawn
from groundtrace.extraction.given.kinds import kind_of

READERS = {"imagej": imagej.read, "labels": labels.read, "nwb": nwb.read, "table": table.read}


def read_rois(path: Path, plane: int = 0, planes: int = 1) -> Drawn:
    """ROIs of one plane (0-based) from a file of any kind; raises InputError, naming file and next step."""
    try:
        found = READERS[kind_of(path.name)](path, plane, planes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}); check the column rois") from error
    if not found.footprints:
        raise InputError(f"{path}: holds no ROI; draw some, or choose another extraction")
    return found
