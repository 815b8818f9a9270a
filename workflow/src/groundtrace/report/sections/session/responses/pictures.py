"""Pictures of responses: trials around onsets, repeats of conditions, cells that respond alike."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.report.html import contrast, png
from groundtrace.report.session import SessionInputs
from groundtrace.responses.partners import correlations
from groundtrace.responses.windows import plane_delay

if TYPE_CHECKING:
    from groundtrace.report.sections.session.responses.content import Loaded

TRIALS, COLUMNS = 300, 90
"""Rows and columns of a picture of trials, at most."""
CONDITIONS = 300
"""Columns of a picture of conditions, at most."""
CELLS = 200
"""Cells whose correlations are drawn, at most."""
BEFORE, LONGEST = 0.5, 6.0
"""s before the onset, and after it at most."""
POSITIVE, NEGATIVE = np.array([213, 94, 0]), np.array([0, 114, 178])
"""Colours of a correlation of 1 and of -1; that of 0 is white."""


def around_onsets(inputs: SessionInputs, loaded: "Loaded", place: int) -> dict[str, Any]:
    """Rates of a cell around the onsets of what was shown: each trial as a row of a picture, the strongest conditions
    on top, and means over all trials and over those of the strongest condition, with standard errors."""
    shown = loaded.presentations.with_columns(response=pl.Series(loaded.values(place)))
    shown = shown.filter(pl.col("condition").is_not_null())
    lasting = float(np.median((shown["stop_time"] - shown["start_time"]).to_numpy()))
    after = min(lasting + loaded.parameters.latency + BEFORE, LONGEST)
    step = max(1 / inputs.acquisition.frame_rate, (BEFORE + after) / COLUMNS)
    offsets = np.arange(-BEFORE + step / 2, after, step)
    rates = _at(inputs, place, shown["start_time"].to_numpy()[:, None] + offsets)
    mean = shown.group_by("condition").agg(pl.col("response").fill_nan(None).mean()).sort("condition")["response"]
    strength = mean.fill_null(-1).to_numpy()
    condition = shown["condition"].to_numpy()
    order = np.lexsort((np.arange(len(condition)), condition, -strength[condition]))
    kept = order[np.unique(np.linspace(0, len(order) - 1, min(TRIALS, len(order))).astype(int))]
    top = float(np.nanpercentile(rates, 99.5)) if np.isfinite(rates).any() else 1.0
    best = int(strength.argmax())
    return {
        "image": png(255 - contrast(rates[kept], 0, top or 1.0)),
        "rows": len(kept),
        "columns": len(offsets),
        "trials": len(order),
        "times": offsets,
        "low": -BEFORE,
        "high": -BEFORE + step * len(offsets),
        "best": best,
        "all": _mean(rates),
        "strongest": _mean(rates[condition == best]),
    }


def _at(inputs: SessionInputs, place: int, times: FloatArray) -> FloatArray:
    """Rate of a ROI in the frame nearest to each time; NaN outside the recording."""
    acquisition, rate = inputs.acquisition, inputs.rate(place)
    delay = plane_delay(acquisition.plane, acquisition.planes, acquisition.frame_rate)
    clock, half = inputs.frames["time"].to_numpy() + delay, 0.5 / acquisition.frame_rate
    frame = np.searchsorted(clock, times - half)
    near = np.minimum(frame, len(clock) - 1)
    return np.where(np.abs(clock[near] - times) <= half * 1.01, rate[near], np.nan)


def _mean(rates: FloatArray) -> list[FloatArray]:
    """Mean over rows and its standard error."""
    known = np.isfinite(rates)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rates, 0).sum(axis=0) / count
    spread = (np.where(known, rates - mean, 0) ** 2).sum(axis=0) / np.maximum(count - 1, 1)
    return [mean, np.sqrt(spread / count)]


def by_repeat(loaded: "Loaded", place: int) -> dict[str, Any]:
    """Responses of a cell as a picture: a column for each condition, or the strongest ones, a row for each repeat."""
    shown = loaded.presentations["condition"].is_not_null().to_numpy()
    condition, repeat = (loaded.presentations[name].filter(shown).to_numpy() for name in ("condition", "repeat"))
    values = loaded.values(place)[shown]
    table = np.full((repeat.max() + 1, condition.max() + 1), np.nan)
    table[repeat, condition] = values
    known = np.isfinite(table)
    mean = np.where(known, table, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    columns = np.sort(np.argsort(-mean, kind="stable")[:CONDITIONS])
    top = float(np.nanpercentile(values, 99)) if np.isfinite(values).any() else 1.0
    picture = table[:TRIALS, columns]
    return {
        "image": png(255 - contrast(picture, 0, top or float(np.nanmax(values)) or 1.0)),
        "rows": picture.shape[0],
        "columns": columns,
        "mean": mean[columns],
    }


def alike(loaded: "Loaded", cells: pl.DataFrame) -> dict[str, Any] | None:
    """Signal correlations of cells as a picture, those that respond alike side by side; None with fewer than three."""
    some = cells.filter(pl.col("oracle").is_not_null()).head(CELLS)
    if some.height < 3:
        return None
    shown = loaded.presentations["condition"].is_not_null().to_numpy()
    condition = loaded.presentations["condition"].filter(shown).to_numpy()
    response = np.stack([loaded.values(place)[shown] for place in some["place"]]).astype(np.float64)
    signal = np.nan_to_num(correlations(response, condition)[0])
    order = _clustered(signal)
    strength = signal[np.ix_(order, order)][..., None]
    colour = np.where(strength > 0, POSITIVE, NEGATIVE)
    picture = 255 + (colour - 255) * np.minimum(np.abs(strength) / 0.8, 1)
    return {"image": png(picture), "place": some["place"].to_numpy()[order], "r": np.round(strength[..., 0], 2)}


def _clustered(correlation: FloatArray) -> IntArray:
    """Order of rows by average linkage, similar ones side by side."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = 1 - correlation
    np.fill_diagonal(distance, 0)
    return leaves_list(linkage(squareform((distance + distance.T) / 2, checks=False), "average", optimal_ordering=True))
