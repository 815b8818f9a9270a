"""What a raw file can be asked before any of it is ingested: does the sheet say what the file does not?"""

import warnings
from contextlib import closing
from pathlib import Path

import numpy as np

from groundtrace.errors import InputError
from groundtrace.movies.ingest import frame_rate_of
from groundtrace.movies.layout import check_declared
from groundtrace.movies.opening import open_raw
from groundtrace.movies.scan_fields import in_field
from groundtrace.movies.timing import stamped_rate
from groundtrace.sessions import Session


def ask(session: Session, path: Path) -> str:
    """What is missing or wrong in the row of a session, by the metadata of its first file; empty when nothing is.

    A file that cannot be opened is not asked: its job says why, and stops no other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its job says them again
        try:
            opened = open_raw(path, session.format_of(path))
        except InputError:
            return ""
        with closing(opened):
            try:
                raw = in_field(session, opened)
                check_declared(session, raw)
                frame_rate_of(session, raw, stamped_rate([(raw, np.arange(raw.frames))]))
            except InputError as error:
                return str(error)
    return ""
