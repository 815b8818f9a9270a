"""The settings that Suite2p pickles into `.npy` files."""

from pathlib import Path
from typing import Any

from groundtrace.pickled import read_dict


def read_settings(path: Path) -> dict[str, Any]:
    """The dict in a `.npy` of Suite2p."""
    return read_dict(path, "not Suite2p's settings", "give the rate: load_traces(folder, frame_rate=...)")
