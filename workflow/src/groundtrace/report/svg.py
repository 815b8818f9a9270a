"""Small charts as SVG text: lines with intervals over a parameter, and rows of dots. Colours are the page's own.

The texts are escaped here; a <title> in a mark is what the browser shows at the pointer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from markupsafe import Markup

from groundtrace.arrays import FloatArray
from groundtrace.report.html import number

PALETTE = ("accent", "spike", "good", "warn", "bad", "other")
"""Colours of methods, in turn; the last is of the style of `charts.html`."""
CHARACTER = 6.3
"""Width of a character, px, on average of names with digits and underscores."""
ROW = 17
"""Height of a row of dots, px."""


@dataclass(frozen=True)
class Line:
    """One line of a chart, and its interval."""

    name: str
    colour: str
    """Name of a colour of the style sheet."""
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    notes: Sequence[str] = ()
    """Shown at each point."""
    dashed: bool = False


@dataclass(frozen=True)
class Row:
    """One row of dots, with a mark at the middle one."""

    label: str
    colour: str
    values: Sequence[float]
    names: Sequence[str] = ()
    """Names of the dots."""
    hollow: Sequence[bool] = ()
    """Which dots are drawn as rings."""
    middle: float = math.nan


@dataclass(frozen=True)
class Axis:
    """What is shown along one direction."""

    label: str
    low: float
    high: float
    log: bool = False
    ticks: Sequence[float] = ()
    names: Sequence[str] = ()
    """Names of the ticks; their values when empty."""
    marks: Sequence[float] = field(default_factory=tuple)
    """Values with a dashed line of their own."""
    band: tuple[float, float] | None = None
    """Values between which the ground is tinted."""

    def place(self, value: float, start: float, stop: float) -> float:
        """Pixel of `value`, kept on the axis."""
        turn = math.log if self.log else float
        low, high = turn(self.low), turn(self.high)
        value = min(max(value, self.low), self.high)
        return start + (turn(value) - low) / (high - low or 1) * (stop - start)

    def shown(self) -> list[tuple[float, str]]:
        if self.ticks:
            return list(zip(self.ticks, self.names or map(number, self.ticks), strict=True))
        ticks = nice_ticks(self.low, self.high)
        return [(tick, tick_text(tick, ticks)) for tick in ticks]


@dataclass(frozen=True)
class Panel:
    """One chart with its heading."""

    title: str
    chart: Markup
    hint: str = ""


def nice_ticks(low: float, high: float, count: float = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`, never less than two; none where there is no room.

    Like `ticks` in charts.js: `tests/unit/report/numbers.json` holds both to the same numbers.
    """
    raw = (high - low) / max(count, 1)
    if not (raw > 0 and math.isfinite(raw)):
        return []
    k = 3 * math.floor(math.log10(raw))
    while round_step(k) < raw * 0.999:
        k += 1
    while True:
        step = round_step(k)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last > first:
            return [n * step for n in range(first, last + 1)]
        k -= 1


def round_step(k: int) -> float:
    """The step 1, 2 or 5 times a power of ten that is number `k`: 0 is 1, 1 is 2, 2 is 5, 3 is 10, -1 is 0.5."""
    return (1, 2, 5)[k % 3] * 10.0 ** (k // 3)


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Text of a tick with as many decimals as tell neighbours apart; like `tickText` in charts.js."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else abs(value) or 1
    digits = math.floor(math.log10(abs(value) or 1)) - math.floor(math.log10(step) + 1e-9) + 1
    return number(value, max(1, digits))


def lines(drawn: Sequence[Line], x: Axis, y: Axis, label: str, width: int = 430, height: int = 250) -> Markup:
    """A chart of lines with their intervals as bars; `label` says what it shows to those who do not see it."""
    left, right, top, bottom = 44, width - 16, 8, height - 38
    parts = [_grid(y, left, right, top, bottom, vertical=True), _grid(x, left, right, top, bottom, vertical=False)]
    for line in drawn:
        points = [(x.place(a, left, right), y.place(b, bottom, top)) for a, b in zip(line.x, line.y, strict=True)]
        dash = ' stroke-dasharray="5 3"' if line.dashed else ""
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<g style="color:var(--{line.colour})">')
        for (a, _), low, high in zip(points, line.low, line.high, strict=False):
            if math.isfinite(low):
                up, down = y.place(high, bottom, top), y.place(low, bottom, top)
                parts.append(f'<path class="interval" d="M{a:.1f} {up:.1f}V{down:.1f}"/>')
        parts.append(f'<polyline points="{path}"{dash}/>')
        notes = line.notes or [""] * len(points)
        for (a, b), value, note in zip(points, line.y, notes, strict=True):
            title = escape(f"{line.name}: {number(value)}{note}")
            parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3"><title>{title}</title></circle>')
        parts.append("</g>")
    return _svg(parts, width, height, label)


def fitted(text: str, width: float) -> str:
    """`text` with its middle left out where it would be wider than `width`, px."""
    most = int(width / CHARACTER)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def strip(
    x_values: FloatArray,
    thin: FloatArray,
    thick: FloatArray,
    band: tuple[FloatArray, FloatArray],
    x: Axis,
    y: Axis,
    label: str,
    width: int,
    height: int,
) -> Markup:
    """A noisy line behind a smooth one and the band around that; all (n,), left out where not finite."""
    left, right, top, bottom = 44, width - 16, 8, height - 38

    def path(values: FloatArray) -> list[str]:
        pairs = zip(x_values, values, strict=True)
        return [f"{x.place(a, left, right):.1f},{y.place(b, bottom, top):.1f}" for a, b in pairs if math.isfinite(b)]

    parts = [_grid(y, left, right, top, bottom, vertical=True), _grid(x, left, right, top, bottom, vertical=False)]
    low, high = (path(values) for values in band)
    parts.append(f'<polygon class="credible-band" points="{" ".join(low + high[::-1])}"/>')
    parts.append(f'<polyline class="measured" points="{" ".join(path(thin))}"/>')
    parts.append(f'<polyline class="denoised" points="{" ".join(path(thick))}"/>')
    return _svg(parts, width, height, label)


def rows(drawn: Sequence[Row], x: Axis, label: str, width: int = 430, left: int = 96) -> Markup:
    """Rows of dots over one axis, each with its label."""
    top, right = 6, width - 12
    bottom = top + ROW * len(drawn)
    parts = [_grid(x, left, right, top, bottom, vertical=False)]
    for k, row in enumerate(drawn):
        middle = top + ROW * (k + 0.5)
        parts.append(f'<g style="color:var(--{row.colour})">')
        name = f"{escape(fitted(row.label, left - 6))}<title>{escape(row.label)}</title>"
        parts.append(f'<text class="name" x="{left - 6}" y="{middle + 4:.1f}">{name}</text>')
        names, hollow = row.names or [""] * len(row.values), row.hollow or [False] * len(row.values)
        for value, name, ring in zip(row.values, names, hollow, strict=True):
            if math.isfinite(value):
                kind = ' class="ring"' if ring else ' class="dot"'
                title = escape(f"{name}: {number(value)}")
                cx = x.place(value, left, right)
                parts.append(f'<circle{kind} cx="{cx:.1f}" cy="{middle:.1f}" r="2.6"><title>{title}</title></circle>')
        if math.isfinite(row.middle):
            cx = x.place(row.middle, left, right)
            title = escape(f"{row.label}, median: {number(row.middle)}")
            parts.append(f'<path class="middle" d="M{cx:.1f} {middle - 7:.1f}v14"><title>{title}</title></path>')
        parts.append("</g>")
    return _svg(parts, width, bottom + (36 if x.label else 20), label)


def interval(value: float, low: float, high: float, colour: str, axis: Axis, width: int = 130) -> Markup:
    """A value and its interval, if it has one, to stand in a cell of a table."""
    known = math.isfinite(low)
    low, high = (low, high) if known else (value, value)
    at, start, stop = (axis.place(v, 4, width - 4) for v in (value, low, high))
    zero = axis.place(0, 4, width - 4)
    parts = [
        f'<path class="grid" d="M{zero:.1f} 0v16"/><g style="color:var(--{colour})">',
        f'<path class="interval" d="M{start:.1f} 8H{stop:.1f}"/><circle cx="{at:.1f}" cy="8" r="4"/></g>',
    ]
    label = f"{number(value)} ({number(low)} to {number(high)})" if known else number(value)
    return _svg(parts, width, 16, label, "bar")


def _grid(axis: Axis, left: int, right: int, top: int, bottom: int, *, vertical: bool) -> str:
    """Lines, numbers and label of one axis."""
    parts = []
    if axis.band:
        a, b = (axis.place(v, bottom, top) if vertical else axis.place(v, left, right) for v in axis.band)
        box = (left, b, right - left, a - b) if vertical else (a, top, b - a, bottom - top)
        parts.append('<rect class="band" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'.format(*box))
    for value, name in axis.shown():
        if vertical:
            at = axis.place(value, bottom, top)
            parts.append(f'<path class="grid" d="M{left} {at:.1f}H{right}"/>')
            parts.append(f'<text class="name" x="{left - 6}" y="{at + 4:.1f}">{escape(name)}</text>')
        else:
            at = axis.place(value, left, right)
            parts.append(f'<path class="grid" d="M{at:.1f} {top}V{bottom}"/>')
            parts.append(f'<text class="tick" x="{at:.1f}" y="{bottom + 15}">{escape(name)}</text>')
    for value in axis.marks:
        at = axis.place(value, bottom, top) if vertical else axis.place(value, left, right)
        line = f"M{left} {at:.1f}H{right}" if vertical else f"M{at:.1f} {top}V{bottom}"
        parts.append(f'<path class="mark" d="{line}"/>')
    if axis.label and vertical:
        middle = (top + bottom) / 2
        parts.append(
            f'<text class="tick" transform="translate(11 {middle:.0f}) rotate(-90)">{escape(axis.label)}</text>'
        )
    elif axis.label:
        parts.append(f'<text class="tick" x="{(left + right) / 2:.0f}" y="{bottom + 32}">{escape(axis.label)}</text>')
    return "".join(parts)


def _svg(parts: Sequence[str], width: int, height: float, label: str, kind: str = "chart") -> Markup:
    box = f'viewBox="0 0 {width} {height:.0f}"'
    size = f' width="{width}" height="{height:.0f}"' if kind == "bar" else ""
    head = f'<svg class="{kind}" {box}{size} role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")
