"""Kinetics of calcium indicators, from `resources/indicators.tsv` (with the source of each value), and what is assumed
of those that are not in it."""

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, ValidationError

from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError, did_you_mean
from groundtrace.section import Section

TABLE = "indicators.tsv"
UNKNOWN = "unknown"
"""In the sheet: an indicator of which nothing is known."""
RELATIVES = {
    "gcamp3": "GCaMP5k",
    "gcamp5g": "GCaMP5k",
    "gcamp6m": "GCaMP6f",
    "gcamp7s": "GCaMP6s",
    "gcamp7b": "GCaMP6s",
    "gcamp7c": "GCaMP6s",
    "rcamp": "jRCaMP1a",
    "rcamp1a": "jRCaMP1a",
    "jrcamp1b": "jRCaMP1a",
    "rcamp1b": "jRCaMP1a",
    "rcamp2": "R-CaMP1.07",
    "rgeco1a": "jRGECO1a",
    "rgeco1": "jRGECO1a",
    "xcamp": "jGCaMP7f",
    "xcampgf": "jGCaMP7f",
}
"""Whose kinetics are nearest by what is published of one action potential; plain names, without the j of GCaMPs."""
TARGETS = "soma|ribol1|ribo|axon|nls|h2b"
"""Places in a cell that an indicator is sent to, before or after its name."""
LATIN = {"zebrafish": "Danio rerio", "mouse": "Mus musculus"}
"""Species as ground truth names them."""
OF_MICE = ("", "Mus musculus", "simulated")
"""Species of which nothing is said where kinetics measured in mice are taken."""
NO_CALCIUM = ("glusnfr", "gabasnfr", "voltron", "asap", "jedi", "grab", "dlight")
"""Sensors of transmitters and of voltage."""

LARGEST_LOAD = 100.0
"""Calcium, in peaks of one spike, beyond which dF/F tells no more of it."""


class Indicator(Section):
    """Response of an indicator to action potentials, as spike inference is told: the median over all recorded neurons,
    smoothed."""

    name: str
    decay_time: PositiveFloat
    """Time constant of the decay, s."""
    rise_time: PositiveFloat
    """Time from the spike to the peak, s."""
    amplitude: PositiveFloat
    """Peak dF/F, fraction."""
    lag: NonNegativeFloat
    """How late the events of an AR(1) deconvolution are behind the spikes, s."""

    def spikes(self, dff: FloatArray) -> FloatArray:
        """Spikes at once that raise dF/F from 0 to `dff`, fractions; linear where no binding curve is known."""
        return dff / self.amplitude


class SimulatedIndicator(Indicator):
    """And as the simulator makes it: that of excitatory cells one by one, at the precision of the recordings."""

    peak: PositiveFloat
    """Peak dF/F of one spike in the median cell, fraction."""
    peak_time: PositiveFloat
    """Time from a spike to its peak, s."""
    half_decay: PositiveFloat
    """Time from the peak to half of it, s."""
    hill: float = Field(ge=1)
    """Exponent of the binding curve."""
    resting: NonNegativeFloat
    """Resting level, in peaks of one spike."""
    half: PositiveFloat
    """Level of half saturation, in peaks of one spike."""
    spread: NonNegativeFloat
    """Standard deviation over cells of the logarithm of `peak`."""

    def saturate(self, load: FloatArray) -> FloatArray:
        """dF/F over `peak` at a calcium level above rest, in peaks of one spike: 0 at 0, 1 at 1, then saturating."""
        rest, one = self._bound(0.0), self._bound(1.0)
        return (self._bound(np.maximum(load, 0)) - rest) / (one - rest)

    def spikes(self, dff: FloatArray) -> FloatArray:
        """Spikes at once that raise dF/F from 0 to `dff`: the inverse of `saturate`, at most LARGEST_LOAD."""
        rest, one = self._bound(0.0), self._bound(1.0)
        bound = rest + np.clip(dff / self.peak, 0, self.saturate(np.array(LARGEST_LOAD))) * (one - rest)
        return self.half * (bound / (1 - bound)) ** (1 / self.hill) - self.resting

    def _bound(self, load: Any) -> Any:
        """Share of the indicator with calcium (Hill), c^n / (c^n + K^n)."""
        raised = ((load + self.resting) / self.half) ** self.hill
        return raised / (raised + 1)

    def kernel(self, time: FloatArray) -> FloatArray:
        """Calcium above rest, `time` s after one spike: a difference of exponentials of peak 1; 0 before the spike."""
        slow, fast = self.constants()
        since = np.maximum(time, 0)
        peak = np.exp(-self.peak_time / slow) - np.exp(-self.peak_time / fast)
        return (np.exp(-since / slow) - np.exp(-since / fast)) / peak

    def constants(self) -> tuple[float, float]:
        """Time constants, s, of the kernel's decay and rise, so that dF/F after one spike halves in `half_decay`.

        Where binding is supralinear, dF/F decays faster than calcium.
        """
        rest, one = self._bound(0.0), self._bound(1.0)
        middle = (rest + one) / 2
        level = self.half * (middle / (1 - middle)) ** (1 / self.hill) - self.resting
        return _constants(self.peak_time, self.half_decay, level)


def resource(name: str) -> Path:
    """Path of a file shipped with groundtrace, from a checkout or from an installed package."""
    here = Path(__file__).resolve().parent
    installed = here / "resources" / name
    return installed if installed.exists() else here.parents[2] / "resources" / name


@cache
def indicators() -> dict[str, Indicator]:
    """All known indicators by name; without the columns of the simulator, a line is an Indicator and no more."""
    with resource(TABLE).open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t")
        return {row["indicator"]: _indicator(row) for row in rows}


def _indicator(row: dict[str, str]) -> Indicator:
    values = {name: row[name] for name in SimulatedIndicator.model_fields if row.get(name)}
    kind = SimulatedIndicator if values.keys() - Indicator.model_fields.keys() else Indicator
    try:
        return kind.model_validate({"name": row["indicator"]} | values)
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg'].lower()}" for fault in error.errors())
        raise InputError(
            f"resources/{TABLE}: line {row['indicator']!r}: {faults}; needed are decay_time, rise_time, amplitude and "
            "lag, and for `simulate` also peak to spread, all or none of them"
        ) from None


def spelled(name: str) -> str:
    """An indicator as the table spells it, or one of which something is assumed; raises ValueError, with what to write,
    for any other."""
    plain = _plain(name)
    known = {_plain(own): own for own in (*indicators(), UNKNOWN)}
    for same in (plain, f"j{plain}" if plain.startswith("gcamp") else plain.removeprefix("j")):
        if same in known:
            return known[same]
    if no_calcium(name) or _relative(name):
        return name
    raise ValueError(
        f"{name!r} is not known; known are {', '.join(indicators())}{did_you_mean(name, indicators())} "
        f"(add a line to resources/{TABLE} for another, or write {UNKNOWN})"
    )


def no_calcium(name: str) -> bool:
    """Whether it is a sensor of transmitters or of voltage: what it shows is no calcium."""
    return any(word in _plain(name) for word in NO_CALCIUM)


def kinetics(name: str) -> Indicator | None:
    """Of an indicator in the sheet; None when nothing is known of it."""
    return indicators().get(_relative(name) or name)


def in_species(name: str, species: str | None) -> str:
    """`name`, or the line of its kinetics in that species (Latin or as in ground truth), where the table has one."""
    own = f"{_relative(name) or name} in {LATIN.get(species or '', species)}"
    return own if own in indicators() else name


def kinetics_for(name: str, what: str) -> Indicator:
    """The same; raises InputError when nothing is known. what: who needs it, and what else gives it."""
    found = kinetics(name)
    if found is None:
        raise InputError(f"indicator: {name!r} tells no kinetics, which {what}")
    return found


def simulated(name: str) -> SimulatedIndicator:
    """For the simulator; raises InputError when the table lacks its columns."""
    found = kinetics_for(name, "the simulator needs; name another one in the sheet")
    if not isinstance(found, SimulatedIndicator):
        raise InputError(
            f"resources/{TABLE}: line {found.name!r}: `simulate` needs the columns "
            f"{', '.join(list(SimulatedIndicator.model_fields)[len(Indicator.model_fields) :])}"
        )
    return found


def assumption(name: str, species: str | None = None) -> str:
    """What is assumed of an indicator in the sheet; empty when its own kinetics are known.

    name: with the species (`in_species`) where its kinetics there are known.
    """
    if name == UNKNOWN:
        return "the indicator is unknown: spikes are inferred without its kinetics, and methods that need them fail"
    if no_calcium(name):
        return f"{name} shows no calcium: no spikes are inferred from it"
    relative, species = _relative(name), LATIN.get(species or "", species or "")
    if species not in OF_MICE and not name.endswith(f" in {species}"):
        return f"kinetics of {name} in {species} are not known: taken with those of {relative or name} in mice"
    return f"{name} is not in resources/{TABLE}: taken with the kinetics of {relative}" if relative else ""


@cache
def _relative(name: str) -> str | None:
    """The indicator whose kinetics are taken for one that is not in the table itself."""
    if name in indicators() or name == UNKNOWN:
        return None
    known = {_plain(own): own for own in indicators()}
    bare = re.sub(rf"^({TARGETS}|st)|({TARGETS}|kv2.1)$", "", _plain(name))
    bare = bare.removeprefix("j") if bare.startswith("jgcamp") else bare
    return known.get(bare) or known.get(f"j{bare}") or RELATIVES.get(bare)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


@cache
def _constants(peak_time: float, half_decay: float, level: float) -> tuple[float, float]:
    """Decay and rise constants of a difference of exponentials that peaks at `peak_time` and falls to `level` of its
    peak `half_decay` later; the narrowest one when no such curve is that narrow.
    """

    def excess(decay_time: float) -> float:
        rise = rise_constant(peak_time, decay_time)
        late, peak = (np.exp(-t / decay_time) - np.exp(-t / rise) for t in (peak_time + half_decay, peak_time))
        return late / peak - level

    from scipy.optimize import root_scalar

    narrow, wide = peak_time * 1.005, 100 * (peak_time + half_decay)
    decay = narrow if excess(narrow) >= 0 else float(root_scalar(excess, bracket=(narrow, wide)).root)
    return decay, rise_constant(peak_time, decay)


def rise_constant(rise_time: float, decay_time: float) -> float:
    """Time constant, s, that makes a difference of exponentials peak `rise_time` after its start."""

    def excess(logarithm: float) -> float:
        return decay_time * logarithm / -np.expm1(-logarithm) - rise_time

    from scipy.optimize import root_scalar

    # Equal time constants are the limit of the formula, not a value of it.
    if abs(rise_time / decay_time - 1) < 1e-3:
        return decay_time * 1.002
    bracket = (-50.0, -1e-9) if rise_time < decay_time else (1e-9, 20.0 + rise_time / decay_time)
    return decay_time * float(np.exp(root_scalar(excess, bracket=bracket).root))
