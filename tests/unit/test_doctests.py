"""The examples in the docstrings of public functions."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from groundtrace import infer_spikes, load_traces, open_study
from groundtrace.dff import compute_dff
from groundtrace.testing import check_denoising, check_extraction, check_motion, check_spikes
from tests.study import example_entry, example_plane, write_example_study

PUBLIC = (
    infer_spikes,
    load_traces,
    open_study,
    compute_dff,
    check_motion,
    check_denoising,
    check_extraction,
    check_spikes,
)


@pytest.fixture
def plane(tmp_path, monkeypatch) -> None:
    """The folders suite2p/plane0 and results that `load_traces` and `open_study` read."""
    folder = Path("suite2p/plane0")
    monkeypatch.chdir(tmp_path)
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    np.save(folder / "F.npy", random.normal(200, 2, (3, 600)))
    np.save(folder / "Fneu.npy", random.normal(100, 0.2, (3, 600)))
    np.save(folder / "iscell.npy", np.array([[1, 0.9], [0, 0.1], [1, 0.8]]))
    np.save(folder / "ops.npy", {"fs": 30.0})  # type: ignore[arg-type]
    session = example_plane(rois=3, date=None)
    write_example_study(Path("results"), [(example_entry(Path("results"), session), session)])


@pytest.mark.filterwarnings("ignore:no ROI found")
@pytest.mark.parametrize("function", PUBLIC, ids=lambda function: function.__name__)
def test_example(function, plane):
    said: list[str] = []
    (example,) = doctest.DocTestFinder(recurse=False).find(function, globs={})
    outcome = doctest.DocTestRunner().run(example, out=said.append)
    assert outcome.attempted > 0, "there is no example"
    assert outcome.failed == 0, "".join(said)
