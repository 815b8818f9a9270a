"""Numbers, images and arrays packed into a page."""

import base64
import io
import json
import math
import zlib
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image

from groundtrace.arrays import FloatArray

MISSING = -(2**15)
"""Stands for NaN in packed arrays."""


def to_json(data: Any) -> Markup:
    """Strict JSON (NaN becomes null) that is safe inside a script element."""
    text = json.dumps(_plain(data), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        # The precision of float32, in which the tables hold their numbers.
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def number(value: float | None, digits: int = 3) -> str:
    """`value` for reading: `digits` significant, thousands apart, a true minus, an en dash when there is none.

    Like `number` in base.js: `tests/unit/report/numbers.json` holds both to the same texts.
    """
    if value is None or not math.isfinite(value):
        return "–"
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    if not -5 <= magnitude <= 20:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    # Ties away from zero, as in JavaScript; Python's own format would round 2.5 to 2.
    rounded = Decimal(float(value)).quantize(Decimal(1).scaleb(-max(0, digits - 1 - magnitude)), ROUND_HALF_UP)
    text = f"{rounded:,f}".replace(",", "\u202f").replace("-", "−")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(count: int, word: str) -> str:
    return f"{number(count, 9)} {word}{'' if count == 1 else 's'}"


def png(pixels: np.ndarray) -> str:
    """8 bit grey or RGB image (Y, X[, 3]) as the data URI of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def contrast(image: FloatArray, low: float, high: float) -> np.ndarray:
    """`image` scaled to 8 bit with `low` black and `high` white; NaN is black."""
    scaled = (np.nan_to_num(image, nan=low) - low) / (high - low if high > low else 1)
    return (np.clip(scaled, 0, 1) * 255).round().astype(np.uint8)


def shrink(image: FloatArray, side: int = 1024) -> FloatArray:
    """Mean of blocks, so that no side of `image` (Y, X) is longer than `side`."""
    factor = -(-max(image.shape) // side)
    if factor == 1:
        return image
    height, width = (-(-length // factor) * factor for length in image.shape)
    padded = np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1])), mode="edge")
    return padded.reshape(height // factor, factor, width // factor, factor).mean(axis=(1, 3))


def pack(values: np.ndarray) -> str:
    """Integers as text: bytes of equal significance side by side (which is what makes them small), zlib, base64."""
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).ravel()
    planes = little.view(np.uint8).reshape(-1, little.itemsize).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 6)).decode()


def quantise(values: FloatArray, step: float) -> np.ndarray:
    """`values` in units of `step` as int16; NaN becomes MISSING."""
    scaled = np.rint(np.asarray(values, np.float32) / np.float32(step))
    scaled = np.where(np.isfinite(scaled), np.clip(scaled, MISSING + 1, -MISSING - 1), MISSING)
    return scaled.astype(np.int16)


def envelope(values: FloatArray, bins: int) -> FloatArray:
    """Smallest and largest value of each of `bins` equal stretches of time, in turn: (2 * bins,).

    Drawn as a line it covers what the full trace covers. Returns `values` when they are not more than that.
    """
    if values.size <= 2 * bins:
        return values
    edges = np.linspace(0, values.size, bins + 1).astype(int)[:-1]
    # fmin and fmax ignore NaN, and give it where there is nothing else.
    return np.column_stack([np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)]).ravel()


def pack_series(values: FloatArray, points: int = 60_000) -> dict[str, Any]:
    """One value per frame for a chart, as {data, step, origin, frames}; an envelope when longer than `points`.

    The resolution is 1/60,000 of the range.
    """
    values = np.asarray(values, np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    origin, step = (low + high) / 2, max((high - low) / 60_000, 1e-12)
    drawn = envelope(values - origin, points // 2)
    return {"data": pack(quantise(drawn, step)), "step": step, "origin": origin, "frames": values.size}


def intervals(mask: np.ndarray) -> list[list[int]]:
    """Runs of True as [first, after the last]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2).tolist()
