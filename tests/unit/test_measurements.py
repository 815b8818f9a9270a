"""Scripts that measure are run by hand: what they import must still be there."""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "measurements").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_what_a_script_imports_is_there(script):
    statements = [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.ImportFrom)]
    wanted = [(node.module, alias.name) for node in statements for alias in node.names if node.module]
    ours = [(module, name) for module, name in wanted if module.startswith("groundtrace")]
    missing = [
        f"{module}.{name}"
        for module, name in ours
        if not hasattr(import_module(module), name) and find_spec(f"{module}.{name}") is None
    ]
    assert not missing
