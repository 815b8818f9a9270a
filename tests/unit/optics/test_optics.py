"""Optics against numbers worked out by hand, and against each other."""

import doctest
import importlib
import math
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

from groundtrace import optics
from groundtrace.errors import InputError

OBJECTIVE, SCAN_LENS, TUBE_LENS = 12.5, 50, 200
RATE, FILL, PIXELS = 7910, 0.9, 512
GOLDEN = [
    (optics.lateral_width(0.8, 920), 0.43),
    (optics.axial_width(0.8, 920), 2.15),
    (optics.lateral_width(0.6, 920), 0.58),
    (optics.axial_width(0.6, 920), 4.03),
    (optics.objective_focal_length(optics.tube_length("Nikon"), 16), 12.5),
    (optics.field_of_view(7.5, OBJECTIVE, SCAN_LENS, TUBE_LENS), 823),
    (optics.beam_at_back_aperture(4, SCAN_LENS, TUBE_LENS), 16),
    (optics.temporal_fill(FILL), 0.713),
    (1e9 * optics.mean_dwell(RATE, FILL, PIXELS), 88),
    (1e9 * optics.centre_dwell(RATE, FILL, PIXELS), 71),
    (optics.peak_speed(RATE, 600, FILL), 16.6),
    (optics.pulses_per_spot(optics.lateral_width(0.8, 920), optics.peak_speed(RATE, 600, FILL), 80), 2.1),
]


@pytest.mark.parametrize(("found", "expected"), GOLDEN)
def test_numbers_are_those_known(found, expected):
    assert found == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(optics.__path__)])
def test_every_function_has_an_example_that_holds(name):
    module = importlib.import_module(f"{optics.__name__}.{name}")
    functions = [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
    for function in (each for each in functions if not each.__name__.startswith("_")):
        (example,) = doctest.DocTestFinder(recurse=False).find(function, globs=vars(module))
        assert example.examples, function.__name__
        assert doctest.DocTestRunner().run(example).failed == 0
        assert "Returns" in (function.__doc__ or "")


def test_dwell_times_of_a_line_are_those_of_a_sine():
    """Times at which the sine passes the borders of pixels."""
    borders = np.arcsin(FILL * np.linspace(-1, 1, PIXELS + 1)) / (2 * math.pi * RATE)
    dwell = np.diff(borders)
    assert optics.mean_dwell(RATE, FILL, PIXELS) == pytest.approx(dwell.mean(), rel=1e-9)
    assert optics.edge_dwell(RATE, FILL, PIXELS) == pytest.approx(dwell[0], rel=1e-9)
    assert optics.centre_dwell(RATE, FILL, PIXELS) == pytest.approx(dwell[PIXELS // 2], rel=1e-4)


def test_a_tunable_lens_moves_the_focus_as_ray_tracing_says():
    """Matrices of thin lenses from the tunable lens through relay, scan and tube lens and the objective in air."""

    def lens(focal):
        return np.array([[1, 0], [-1 / focal, 1]])

    def gap(length):
        return np.array([[1, length], [0, 1]])

    power, elements = 0.5e-3, (100, 50, SCAN_LENS, TUBE_LENS)  # 1/mm; 4f pairs
    system = lens(1 / power)
    for first, second in zip(elements[::2], elements[1::2], strict=True):
        system = gap(second) @ lens(second) @ gap(first + second) @ lens(first) @ gap(first) @ system
    height, slope = gap(OBJECTIVE) @ lens(OBJECTIVE) @ gap(OBJECTIVE) @ system @ np.array([1, 0])
    traced = 1e3 * height / slope  # towards the objective, from the focus of a flat beam
    found = optics.lens_range(1e3 * power, OBJECTIVE, SCAN_LENS, TUBE_LENS, [(100, 50)], index=1)
    assert found == pytest.approx(traced, rel=1e-6)


def test_the_formulas_for_both_ranges_of_aperture_meet():
    below, above = optics.lateral_width(0.7, 920), optics.lateral_width(0.7001, 920)
    assert above == pytest.approx(below, rel=0.02)


def test_noise_of_simulated_photons_is_that_of_the_formula():
    from groundtrace.traces.noise import noise_level

    photons, rate = 3000.0, 30.0
    counts = np.random.default_rng(3).poisson(photons / rate, (20, 20_000))
    found = noise_level(counts * rate / photons - 1, rate).mean()
    assert found == pytest.approx(optics.noise_level_of(photons), rel=0.03)


def test_an_aperture_beyond_the_immersion_is_refused():
    with pytest.raises(InputError, match=r"numerical aperture 1.4 must lie between 0 and the refractive index 1.33"):
        optics.axial_width(1.4, 920)
    with pytest.raises(InputError, match=r"'Nikkon' is not known; .*did you mean 'nikon'"):
        optics.tube_length("Nikkon")


def test_the_example_of_the_how_to_has_the_numbers_that_it_names():
    text = (
        (Path(__file__).resolve().parents[3] / "docs/how-to.md")
        .read_text(encoding="utf-8")
        .partition("## Design a recording")[2]
    )
    lines, known = text.partition("```python\n")[2].partition("```")[0].splitlines(), {}
    for line in lines:
        code, _, said = line.partition("#")
        names, _, value = code.rpartition(" = ") if " = " in code else ("", "", code)
        exec(code, known)
        if not said:
            continue
        found = np.atleast_1d(eval(names or value, known))
        numbers = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\.?\d*", said)]
        np.testing.assert_allclose(numbers[: len(found)], found, rtol=0.02, err_msg=line)
