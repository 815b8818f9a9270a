"""Every script of a rule finds what it imports when it is the first to import anything of the package."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
IMPORT_EACH = """
import ast, os, sys
import numba, numpy, polars, pyarrow.parquet, pydantic, scipy.ndimage, scipy.optimize
broken = []
for path in sys.argv[1:]:
    tree = ast.parse(open(path, encoding="utf-8").read())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not (child := os.fork()):
        exec(compile(tree, path, "exec"))
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        broken.append(path)
sys.exit(" ".join(broken) or None)
"""


def test_scripts_import_in_a_process_of_their_own():
    """Workflow tests start them in forks of a process that has imported the whole package."""
    scripts = sorted(map(str, (ROOT / "workflow/scripts").glob("*.py")))
    assert scripts
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, *scripts],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
