"""A wrong config gives one message that says where, what and what is allowed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from groundtrace.config import Config, load
from groundtrace.errors import InputError
from groundtrace.running.reference import reference, schema
from groundtrace.running.status import merged
from groundtrace.sheet import read_sheet

ROOT = Path(__file__).resolve().parents[2]

FAULTS = {
    "unknown key": (
        {"spike": {}},
        "spike: unknown key; known here: astrocytes, benchmark, curation, denoise, dff,",
        "did you mean 'spikes'?",
    ),
    "unknown key in a section": ({"dff": {"basline": {}}}, "dff.basline: unknown key", "did you mean 'baseline'?"),
    "unknown key of a backend": (
        {"motion": {"fast": {"backend": "suite2p", "nonrigd": True}}},
        "motion.fast.nonrigd: unknown key",
        "did you mean 'nonrigid'?",
    ),
    "unknown backend": ({"motion": {"x": {"backend": "magic"}}}, "motion.x.backend: 'magic' is not allowed", "suite2p"),
    "no backend": ({"motion": {"x": {}}}, "motion.x: needs the key `backend`", ""),
    "wrong type": ({"dff": {"baseline": {"window": "long"}}}, "dff.baseline.window: 'long' is not allowed", "number"),
    "out of range": ({"dff": {"baseline": {"percentile": 120}}}, "dff.baseline.percentile: 120", "less than 100"),
    "not a number": ({"dff": {"baseline": {"window": float("nan")}}}, "dff.baseline.window: nan", "finite"),
    "unknown choice": ({"dff": {"neuropil": {"method": "ica"}}}, "dff.neuropil.method: 'ica'", "'fixed' or 'fitted'"),
    "recipe names no method": (
        {"recipes": {"default": {"spikes": "oasys"}}},
        "recipes.default.spikes: 'oasys' is not defined under `spikes`",
        "did you mean 'oasis'?",
    ),
    "no recipe": ({"recipes": {}}, "recipes: {} is not allowed", "at least 1"),
    "name that is no folder": ({"spikes": {"my oasis": {"backend": "oasis"}}}, "spikes.my oasis", "pattern"),
    "unknown file to keep": ({"keep": ["everything"]}, "keep.0: 'everything'", "'registered_movie'"),
}


@pytest.mark.parametrize(("raw", "where", "allowed"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_config_says_where_and_what_is_allowed(raw, where, allowed):
    with pytest.raises(InputError) as error:
        load(raw)
    assert where in str(error.value)
    assert allowed in str(error.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(InputError) as error:
        load({"spike": {}, "dff": {"basline": {}}})
    assert "spike:" in str(error.value)
    assert "dff.basline:" in str(error.value)


def test_an_empty_config_is_the_shipped_one_but_for_the_second_motion_method():
    shipped = load(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    default = load({})
    assert shipped.model_copy(update={"motion": default.motion}) == default
    assert set(shipped.motion) - set(default.motion) == {"rigid"}


def test_the_demo_is_valid():
    config = load(yaml.safe_load((ROOT / "config/demo/config.yaml").read_text()))
    sessions = read_sheet(ROOT / config.sessions, config.simulation).valid()
    assert sorted(session.planes for session in sessions.values()) == [1, 2]


def test_schema_and_reference_are_those_of_the_code():
    assert (ROOT / "config/schema.json").read_text() == schema(), "run `make docs`"
    assert (ROOT / "config/README.md").read_text() == reference(), "run `make docs`"


def test_every_key_is_documented():
    undocumented = [line for line in reference().splitlines() if line.startswith("| `") and line.endswith("| |")]
    assert undocumented == []


def test_a_config_cannot_be_changed_after_it_was_checked():
    with pytest.raises(ValueError, match="frozen"):
        Config().results = Path("elsewhere")


def test_reading_the_config_imports_nothing_heavy():
    """Snakemake reads it at the start of every job."""
    heavy = ("caiman", "h5py", "numba", "pandas", "polars", "pyarrow", "pynwb", "roiextractors", "scipy")
    heavy += ("tifffile", "torch", "zarr")
    code = f"import sys, groundtrace.config; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=with_package())
    assert found.stdout.strip() == "[]"


def with_package() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "workflow/src")}


def test_null_drops_a_recipe_of_an_earlier_file(tmp_path):
    later = tmp_path / "later.yaml"
    later.write_text("recipes: {default: null, mine: {spikes: oasis}}\n")
    assert list(load(merged([ROOT / "config/config.yaml", later])).recipes) == ["mine"]
    with pytest.raises(InputError, match=r"recipes: \{\} is not allowed"):
        load({"recipes": {"default": None}})
