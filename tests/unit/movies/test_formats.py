"""One module and one name make a format: the sheet, its suffixes, the reference and ingest follow."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from groundtrace.movies.formats import FORMATS, SUFFIXES

ROOT = Path(__file__).resolve().parents[3]

MODULE = '''
"""Flat: uint16 frames of 8 × 8 pixels, one after the other."""

import numpy as np

from groundtrace.movies.raw import Format, Metadata, Raw


class FlatRaw(Raw):
    def __init__(self, path):
        self._frames = np.fromfile(path, "<u2").reshape(-1, 8, 8)
        size = len(self._frames)
        super().__init__(path, frames=size, image=(8, 8), dtype=np.dtype("<u2"), metadata=Metadata(frame_rate=25.0))

    def read(self, frames, out):
        out[...] = self._frames[frames]


FORMAT = Format(FlatRaw, suffixes=(".flat",))
'''
USE = """
from pathlib import Path
from groundtrace.movies.ingest import ingest
from groundtrace.running.reference import reference
from groundtrace.sheet import read_sheet

assert "`.flat` flat" in reference() and "`inscopix`, `flat`" in reference()
(session,) = read_sheet("sheet.tsv").valid().values()
found = ingest(session, session.files(), 0, Path("movie.npy"))
assert found.acquisition.frame_rate == 25
"""


def test_a_format_is_a_module_and_its_name(tmp_path):
    package = tmp_path / "workflow/src/groundtrace"
    shutil.copytree(ROOT / "workflow/src/groundtrace", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    (package / "movies/formats/flat.py").write_text(MODULE)
    listed = package / "movies/formats/__init__.py"
    listed.write_text(listed.read_text().replace('    "inscopix",\n', '    "inscopix",\n    "flat",\n'))
    movie = np.random.default_rng(0).integers(0, 1000, (20, 8, 8)).astype("<u2")
    movie.tofile(tmp_path / "m.flat")
    (tmp_path / "sheet.tsv").write_text("subject\tsession\tpath\tindicator\nM01\t001\tm.flat\tGCaMP6s\n")
    here = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run([sys.executable, "-c", USE], cwd=tmp_path, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "movie.npy"), movie)


def test_no_two_formats_claim_a_suffix():
    assert len(SUFFIXES) == sum(len(format.suffixes) for format in FORMATS.values())
