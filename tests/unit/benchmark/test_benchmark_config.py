"""The benchmark's section of the config."""

import pytest

from groundtrace.benchmark.parameters import CONTROLS
from groundtrace.config import load
from groundtrace.errors import InputError

OASIS = {"backend": "oasis"}
RECIPES = {"default": {"spikes": "oasis"}}
FAULTS = {
    "unknown backend": ({"backends": ["oasys"]}, "benchmark.backends: 'oasys' is not defined under `spikes`"),
    "unknown backend without sweeps": ({"no_sweeps": ["x"]}, "benchmark.no_sweeps: 'x' is not defined"),
    "unknown key": ({"noise_level": 2, "noise": 3}, "benchmark.noise: unknown key"),
    "no noise": ({"noise_levels": [0]}, "benchmark.noise_levels.0: 0 is not allowed"),
}


@pytest.mark.parametrize(("section", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_section_says_where(section, message):
    with pytest.raises(InputError) as error:
        load({"benchmark": section, "spikes": {"oasis": OASIS}, "recipes": RECIPES})
    assert message in str(error.value)


@pytest.mark.parametrize("name", [*CONTROLS, "controls"])
def test_a_method_may_not_be_called_like_a_control(name):
    with pytest.raises(InputError, match=f"spikes.{name}: '{name}' stands for controls of the benchmark"):
        load({"spikes": {"oasis": OASIS, name: OASIS}, "recipes": RECIPES})
