"""Suite2p's own GUI opens what is exported. Qt is in a folder of its own: every job would import an installed one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import groundtrace
from groundtrace.export.suite2p import FILES, suite2p_plane, write_suite2p
from tests.study import example_entry, example_plane, write_example_study

QT = (
    "colorama==0.4.6",
    "pyqt6==6.11.0",
    "pyqt6-qt6==6.11.2",
    "pyqt6-sip==13.13.0",
    "pyqtgraph==0.14.0",
    "qtpy==2.4.3",
    "superqt==0.9.0",
)
"""What Suite2p's GUI needs beyond Suite2p; the rest stays as it is installed."""
OPENS = """
import json, sys
from qtpy.QtWidgets import QApplication
from suite2p.gui.gui2p import MainWindow

application = QApplication([])
window = MainWindow(statfile=sys.argv[1])
shown = {"loaded": window.loaded, "cells": int(window.iscell.sum()), "rois": len(window.stat), "rate": window.ops["fs"]}
window.ichosen = 1
window.ichosen_stats()
window.grab().save(sys.argv[2])
print("shown", json.dumps(shown | {"frames": window.Fcell.shape[1], "selected": float(window.stat[1]["radius"])}))
"""


@pytest.fixture(scope="module")
def qt(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("qt")
    subprocess.run(["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *QT], check=True)
    return folder


def test_the_gui_opens_a_folder(qt, tmp_path):
    session = example_plane(rois=6)
    write_example_study(tmp_path / "results", [(example_entry(tmp_path / "results", session), session)])
    (plane,) = groundtrace.open_study(tmp_path / "results")
    write_suite2p(suite2p_plane(plane), {name: tmp_path / f"plane0/{name}.npy" for name in FILES})
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PYTHONPATH": str(qt)}
    command = [sys.executable, "-c", OPENS, str(tmp_path / "plane0/stat.npy"), str(tmp_path / "window.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert "shown" in done.stdout, done.stdout + done.stderr
    shown = json.loads(done.stdout.rsplit("shown", 1)[1])
    assert shown.pop("selected") == pytest.approx(2, abs=0.6)
    assert shown == {"loaded": True, "cells": 4, "rois": 6, "rate": 30.0, "frames": 600}
    assert (tmp_path / "window.png").stat().st_size > 10_000
