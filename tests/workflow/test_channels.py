"""Two colour channels: motion is estimated on one, and the other is moved."""

import numpy as np
import polars as pl
import tifffile

from groundtrace.testing.movies import moving
from tests.workflow.conftest import Project


def test_the_functional_channel_is_moved_as_the_motion_channel(tmp_path):
    structure = moving((150, 96, 96), whole=False)
    dark = np.random.default_rng(0).poisson(structure.movie / structure.movie.mean() * 0.02).astype(np.uint16)
    tifffile.imwrite(tmp_path / "both.tif", np.stack([dark, structure.movie], axis=1).reshape(-1, 96, 96))
    columns = "subject\tsession\tpath\tchannels\tfunctional_channel\tmotion_channel\tframe_rate\tindicator"
    project = Project.make(tmp_path / "project", f"{columns}\na\t1\t{tmp_path}/both.tif\t2\t1\t2\t30\tGCaMP6s\n")
    plane = "results/sub-a/ses-1/plane-0"
    project.run("--notemp", "--", f"{plane}/motion-phase/shifts.parquet")
    shifts = pl.read_parquet(project.folder / plane / "motion-phase/shifts.parquet")
    for found, true in ((shifts["y"].to_numpy(), structure.y), (shifts["x"].to_numpy(), structure.x)):
        off = found - true
        assert (off - np.median(off)).std() < 0.1
    np.testing.assert_array_equal(np.load(project.folder / plane / "movie.npy"), dark)
    registered = np.load(project.folder / plane / "motion-phase/movie.npy")
    assert registered.mean() < 0.1
