"""Layers of a network beside those of an untrained one, and the recorded cells."""

from typing import Any

import numpy as np

from groundtrace.arrays import FloatArray
from groundtrace.report import svg
from groundtrace.report.encoding import EncodingInputs, with_error
from groundtrace.report.html import number, png

STATISTICS = {
    "correlation": "mean |r| between units",
    "participation": "participation ratio",
    "slope": "slope of the eigenspectrum",
    "population_hoyer": "population sparseness (Hoyer)",
    "lifetime_hoyer": "lifetime sparseness (Hoyer)",
    "population_sparseness": "population sparseness (Treves & Rolls)",
    "lifetime_sparseness": "lifetime sparseness (Treves & Rolls)",
    "kurtosis": "kurtosis of units",
    "rotated_kurtosis": "kurtosis of random directions",
    "separation": "distance between groups of images over that inside",
    "units": "units",
    "dead": "dead units",
}
NETWORKS = {"trained": "spike", "untrained": "other"}
POSITIVE, NEGATIVE = np.array([213, 94, 0]), np.array([0, 114, 178])


def context(given: EncodingInputs) -> dict[str, Any] | None:
    if given.inside.is_empty():
        return None
    layers = sum(1 for name in given.pictures if name.startswith("gram/trained/"))
    names = [f"layer {k}" for k in range(layers)]
    table = {(row["network"], row["part"], row["statistic"]): row for row in given.inside.iter_rows(named=True)}

    def cell(network: str, part: str, statistic: str) -> str:
        row = table.get((network, part, statistic))
        return with_error(row["value"], row["error"]) if row else "–"

    rows = [
        {
            "label": label,
            "layers": [(cell("trained", part, key), cell("untrained", part, key)) for part in names],
            "recorded": cell("recorded", "cells", key),
        }
        for key, label in STATISTICS.items()
    ]
    grams = [
        {"layer": name, "pictures": [(network, *_grams(given, network, k)) for network in NETWORKS]}
        for k, name in enumerate(names)
    ]
    return {
        "names": names,
        "rows": rows,
        "grams": grams,
        "spectra": _spectra(given, layers - 1),
        "readout": _readout(given),
        "maximised": [{"network": network, "images": _maximised(given, network)} for network in NETWORKS],
    }


def _grams(given: EncodingInputs, network: str, layer: int) -> tuple[str, str]:
    gram, distance = (given.pictures[f"{kind}/{network}/{layer}"] for kind in ("gram", "distance"))
    grey = 255 - np.clip(distance / 2 * 255, 0, 255)
    return png(_signed(gram)), png(_larger(grey))


def _signed(r: FloatArray) -> np.ndarray:
    """Correlations from blue through white to red."""
    colour = np.where(r[..., None] > 0, POSITIVE, NEGATIVE)
    return _larger(255 - np.minimum(np.abs(r[..., None]), 1) * (255 - colour))


def _larger(image: np.ndarray) -> np.ndarray:
    by = max(1, 160 // len(image))
    return image.repeat(by, axis=0).repeat(by, axis=1)


def _spectra(given: EncodingInputs, layer: int) -> Any:
    lines, lowest = [], 1.0
    for network, colour in NETWORKS.items():
        share = given.pictures[f"spectrum/{network}/{layer}"]
        share = share[share > 1e-6]
        lowest = min(lowest, float(share.min()))
        lines.append(svg.Line(network, colour, np.arange(1, len(share) + 1).tolist(), share.tolist()))
    most = max(len(line.x) for line in lines)
    x = svg.Axis("component", 1, max(most, 2), log=True, ticks=_tens(1, most))
    y = svg.Axis("share of variance", lowest, 1, log=True, ticks=_tens(lowest, 1))
    return svg.lines(lines, x, y, "Variance of principal components of the last layer, by network")


def _tens(low: float, high: float) -> list[float]:
    found = [float(10.0**k) for k in range(int(np.ceil(np.log10(low))), int(np.floor(np.log10(max(high, 2)))) + 1)]
    return found if len(found) > 1 else [low, high]


def _readout(given: EncodingInputs) -> Any:
    rows, most = [], 2.0
    for network, colour in NETWORKS.items():
        values = given.pictures[f"readout/{network}"]
        most = max(most, float(values.max()))
        rows.append(svg.Row(network, colour, values.tolist(), [network] * len(values), middle=float(np.median(values))))
    return svg.rows(rows, svg.Axis("effective number of channels", 0, most * 1.05), "Channels that carry each cell")


def _maximised(given: EncodingInputs, network: str) -> list[dict[str, str]]:
    names, images = (given.pictures[f"{kind}/{network}"] for kind in ("maximised_names", "maximised"))
    reached = given.pictures[f"maximised_reached/{network}"]
    return [
        {"name": str(name), "picture": given.picture(image), "reached": number(own[0], 2), "seen": number(own[1], 2)}
        for name, image, own in zip(names, images, reached, strict=True)
    ]
