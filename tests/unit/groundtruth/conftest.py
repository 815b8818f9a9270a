"""Small files in the form of the CASCADE database."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat


@pytest.fixture
def cascade_file(tmp_path):
    """Writes trials (dicts of fields) to `<folder>/<name>` under the temporary folder."""

    def write(
        *trials: dict[str, Any], folder: str = "DS06-GCaMP6f-zf-aDp", name: str = "CAttached_fish_1_mini.mat"
    ) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        cells = np.empty((1, len(trials)), object)
        for i, each in enumerate(trials):
            cells[0, i] = each
        savemat(path, {"CAttached": cells})
        return path

    return write
