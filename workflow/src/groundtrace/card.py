"""The acquisition card of a plane: what the microscope did, each number with its formula, its inputs and their source.

Nothing is made up: a quantity of which an input is not known says what it needs. `FACTS` are what files, sheet, config
and recording tell, `QUANTITIES` what follows from them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundtrace import optics
from groundtrace.acquisition import Acquisition
from groundtrace.card_tables import FACTS, OTHER_NAMES, QUANTITIES, Derived, Fact
from groundtrace.errors import InputError
from groundtrace.microscope import Microscope
from groundtrace.section import Section

Value = bool | float | str | tuple[Any, ...]


class Known(Section):
    """One thing that is known, and where from."""

    name: str
    label: str
    value: Value
    unit: str
    source: str
    """File and key, sheet, config, what was measured, or the formula it follows from."""


class Quantity(Section):
    """One number that follows from others."""

    name: str
    group: str
    label: str
    value: float | None
    """None where it is not known."""
    unit: str
    formula: str
    inputs: tuple[Known, ...] = ()
    needs: tuple[str, ...] = ()
    """Which of FACTS are missing, of the way that lacks least."""
    problem: str = ""
    """Why it cannot be computed from what is known."""


class Card(Section):
    """What is known of the microscope of one plane, and what follows."""

    told: tuple[Known, ...]
    quantities: tuple[Quantity, ...]

    def value(self, name: str) -> float | None:
        """Of a quantity; None where it is not known."""
        return next(quantity.value for quantity in self.quantities if quantity.name == name)

    def missing(self) -> dict[str, Fact]:
        """Facts that quantities lack, by their names."""
        return {name: FACTS[name] for quantity in self.quantities for name in quantity.needs}


def acquisition_card(
    acquisition: Acquisition, microscope: Microscope | None = None, measured: Mapping[str, float | None] | None = None
) -> Card:
    """The card of a plane.

    microscope: as the config describes it. measured: of the recording, those of FACTS that are known by its movie and
    traces (`cell_diameter_px`, `cells`, `noise_level`, `photon_noise_level`, `photons_per_pixel`).
    """
    told = {known.name: known for known in _told(acquisition, microscope, measured or {})}
    found, quantities = dict(told), {}
    for name in dict.fromkeys(derived.name for derived in QUANTITIES):
        ways = [derived for derived in QUANTITIES if derived.name == name]
        quantities[name] = quantity = _quantity(found, ways, quantities)
        if quantity.value is not None:
            found[name] = _known(quantity, quantity.formula)
    return Card(told=tuple(told.values()), quantities=tuple(quantities.values()))


def _told(
    acquisition: Acquisition, microscope: Microscope | None, measured: Mapping[str, float | None]
) -> Iterator[Known]:
    """Of several of a name the last counts: what a person wrote comes after what a file says."""
    settings = {setting.name: setting.value for setting in acquisition.settings}
    for setting in acquisition.settings:
        yield fact(setting.name, setting.value, f"file, {setting.source}")
    if settings.get("scanner") == "resonant" and "scanner_rate" in settings:
        yield fact("resonance", settings["scanner_rate"], "file, of a resonant scanner")
    yield fact("immersion_index", optics.WATER, "assumed: water")
    if microscope is not None:
        yield from _described(microscope)
    size = acquisition.pixel_size
    if size and size != settings.get("pixel_size"):
        source = f"sheet, or {acquisition.adopted}" if acquisition.adopted else "sheet, pixel_size"
        yield fact("pixel_size", size, source)
    yield fact("width", float(acquisition.width), "movie")
    for name, value in measured.items():
        if value is not None:
            yield fact(name, value, "measured")


def _described(microscope: Microscope) -> Iterator[Known]:
    """By the config. A tunable lens of which no relay is named has none."""
    written = set(microscope.model_fields_set)
    if microscope.tunable_lens_power is not None:
        written.add("tunable_lens_relays")
    for field, value in microscope:
        name = OTHER_NAMES.get(field, field)
        if field in written and value is not None and name in FACTS:
            yield fact(name, value, f"config, {field}")


def fact(name: str, value: Any, source: str) -> Known:
    """One of FACTS."""
    return Known(name=name, label=FACTS[name].label, value=value, unit=FACTS[name].unit, source=source)


def _quantity(found: Mapping[str, Known], ways: Sequence[Derived], before: Mapping[str, Quantity]) -> Quantity:
    """By the first way of which all inputs are known; else by that which lacks least."""
    known = found.get(ways[0].name)
    common = {field: getattr(ways[0], field) for field in ("name", "group", "label", "unit")}
    if known is not None and isinstance(known.value, float):
        return Quantity(**common, value=known.value, formula="as given", inputs=(known,))
    failed = []
    for way in ways:
        common["formula"] = way.formula
        inputs = tuple(found[name] for name in way.inputs if name in found)
        if len(inputs) < len(way.inputs):
            failed.append(Quantity(**common, value=None, inputs=inputs, **_lacking(way, found, before)))
            continue
        try:
            return Quantity(**common, value=float(way.function(*(each.value for each in inputs))), inputs=inputs)
        except InputError as error:
            failed.append(Quantity(**common, value=None, inputs=inputs, problem=str(error)))
    return min(failed, key=lambda quantity: len(quantity.needs))


def _lacking(way: Derived, found: Mapping[str, Known], before: Mapping[str, Quantity]) -> dict[str, Any]:
    """Facts that must be told so that this way can be gone, and what went wrong with its other inputs."""
    absent = [name for name in way.inputs if name not in found]
    quantities = [before[name] for name in absent if name in before]
    needs = [need for name in absent for need in (before[name].needs if name in before else (name,))]
    return {"needs": tuple(dict.fromkeys(needs)), "problem": next((q.problem for q in quantities if q.problem), "")}


def _known(quantity: Quantity, source: str) -> Known:
    assert quantity.value is not None
    return Known(name=quantity.name, label=quantity.label, value=quantity.value, unit=quantity.unit, source=source)
