"""nwbinspector as judge, with the rules of the DANDI archive: a file with a grave finding is not written."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nwbinspector import Importance, inspect_nwbfile, inspect_nwbfile_object, load_config
from pynwb import NWBFile

from groundtrace.errors import InputError

GRAVE = Importance.BEST_PRACTICE_VIOLATION
"""From this importance on."""


def check_metadata(nwb: NWBFile) -> None:
    """Raise InputError with the findings in a file that has its metadata and no data yet."""
    _judge(inspect_nwbfile_object(nwb, config=load_config("dandi"), importance_threshold=GRAVE))


def check_file(path: Path) -> None:
    """Raise InputError with the findings in a file on the disk, those of pynwb.validate too."""
    _judge(inspect_nwbfile(nwbfile_path=path, config=load_config("dandi"), importance_threshold=GRAVE))


def _judge(findings: Iterable[Any]) -> None:
    said = [f"{found.object_name or found.object_type}: {' '.join(found.message.split())}" for found in findings]
    if said:
        raise InputError(
            "NWB: nwbinspector objects: "
            + "; ".join(dict.fromkeys(said))
            + " Correct it in the sheet of sessions, the "
            "sheet of subjects, or `nwb` in the config"
        )
