"""The benchmark's section of the config."""

import pytest

from groundtrace.benchmark.parameters import CONTROLS
from groundtrace.config import load
from groundtrace.errors import InputError
from groundtrace.sessions import Session

OASIS = {"backend": "oasis"}
RECIPES = {"default": {"spikes": "oasis"}}
FAULTS = {
    "unknown backend": ({"backends": ["oasys"]}, "benchmark.backends: 'oasys' is not defined under `spikes`"),
    "unknown backend without sweeps": ({"no_sweeps": ["x"]}, "benchmark.no_sweeps: 'x' is not defined"),
    "unknown key": ({"noise_level": 2, "noise": 3}, "benchmark.noise: unknown key"),
    "impossible threshold": (
        {"recordings": {"detectability": -1}},
        "benchmark.recordings.detectability: -1 is not allowed",
    ),
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


def test_the_oracle_is_no_method_that_can_be_defined():
    with pytest.raises(InputError, match=r"extract.oracle: 'oracle' stands for the true footprints"):
        load({"extract": {"transients": {"backend": "transients"}, "oracle": {"backend": "suite2p"}}})


def test_a_recipe_with_the_oracle_is_for_simulated_sessions_alone():
    config = load({"recipes": {"ceiling": {"extract": "oracle"}}, "sessions": "mice.tsv"})
    values = {"session": "1", "indicator": "GCaMP6f", "frame_rate": 30}
    simulated = Session(subject="a", simulate="small", **values)
    real = Session(subject="b", path="movie.tif", **values)
    config.check_sessions({simulated.key: simulated})
    with pytest.raises(InputError, match=r"recipes.ceiling.extract: 'oracle' .* sub-b/ses-1 of mice.tsv is a real"):
        config.check_sessions({simulated.key: simulated, real.key: real})
    load({}).check_sessions({real.key: real})
