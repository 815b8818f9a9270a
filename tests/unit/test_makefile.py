import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_clone_in_a_path_with_a_space_is_refused_before_the_installation(tmp_path):
    """Snakemake starts the interpreter of a script without quoting its path."""
    clone = tmp_path / "my clone"
    clone.mkdir()
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, clone)
    done = subprocess.run(["make", "demo"], cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"error: the path '{clone}' has a space" in done.stdout
    assert not (clone / ".venv").exists()
