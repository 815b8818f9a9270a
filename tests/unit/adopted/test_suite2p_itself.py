"""A plane folder that Suite2p 1.1 itself has made."""

import os
import subprocess
import sys

import numpy as np
import tifffile

from groundtrace.adopted.adopt import adopt
from groundtrace.sessions import Session
from groundtrace.tables import stack
from groundtrace.testing.movies import with_cells

RUN = """
import sys, suite2p
settings = suite2p.default_settings()
settings |= {"fs": 10.0, "tau": 0.7, "diameter": [10.0, 10.0]}
settings["registration"]["nonrigid"] = False
suite2p.run_s2p(db={"data_path": [sys.argv[1]], "save_path0": sys.argv[1], "nplanes": 1, "nchannels": 1,
                    "input_format": "tif"}, settings=settings)
"""


def test_its_cells_are_taken_where_they_are(tmp_path):
    truth = with_cells(shape=(400, 128, 128), dtype="int16")
    tifffile.imwrite(tmp_path / "movie.tif", truth.movie)
    # It writes into the home folder when it is imported.
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    plane = tmp_path / "suite2p/plane0"
    assert (plane / "settings.npy").is_file()
    values = {"subject": "a", "session": "1", "path": str(plane), "format": "suite2p_rois"}
    found = adopt(Session.model_validate(values), [plane], 0)
    assert (found.acquisition.frame_rate, found.acquisition.shape) == (10, truth.movie.shape)
    assert {"mean", "maximum", "correlation"} <= found.images.keys()
    assert np.corrcoef(found.images["mean"].ravel(), truth.movie.mean(axis=0).ravel())[0, 1] > 0.99
    assert found.shifts["y"].null_count() == 0
    light, (y, x) = (
        stack(found.fluorescence["fluorescence"]),
        found.rois.select("centroid_y", "centroid_x").to_numpy().T,
    )
    for cell_y, cell_x, activity in zip(truth.y, truth.x, truth.activity, strict=True):
        away = np.hypot(y - cell_y, x - cell_x)
        assert away.min() < 1
        assert found.rois["accepted"][int(away.argmin())]
        assert np.corrcoef(light[away.argmin()], activity)[0, 1] > 0.99
