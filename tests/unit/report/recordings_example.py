"""A made-up benchmark on simulated recordings: recipes whose order is known."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from groundtrace.benchmark.tables import CellBenchmark, ExtractionBenchmark, MotionBenchmark, RecipeBenchmark
from groundtrace.tables import Table
from tests.tables import example

RECIPES = {
    "best": ("suite2p", "suite2p", "network", 0.7),
    "twin": ("suite2p", "suite2p", "twin", 0.7),
    "worse": ("rigid", "suite2p", "network", 0.5),
    "unmoved": ("none", "suite2p", "network", 0.2),
    "told": ("suite2p", "oracle", "network", 0.9),
}
"""Motion, extraction, spikes, and r of the cells that are found."""
RESIDUALS = {"suite2p": 0.3, "rigid": 0.8, "none": 1.8}
FOUND = 0.8
"""Share of the cells that every extraction finds; the oracle finds all."""


@dataclass(frozen=True)
class Tables:
    motion: pl.DataFrame
    extraction: pl.DataFrame
    cells: pl.DataFrame
    recipes: pl.DataFrame
    timing: pl.DataFrame


def example_tables(cells: int = 40, missing: dict[str, set[str]] | None = None, **changes) -> Tables:
    """Eight sessions: two indicators, two densities, two levels of light.

    missing: sessions in which a recipe has not run. `changes` of the recipes' r, by name.
    """
    random = np.random.default_rng(0)
    rows: dict[str, list[dict]] = {"motion": [], "extraction": [], "cells": [], "recipes": [], "timing": []}
    for where in conditions():
        sizes = {"session": where["session"], "plane": 0, "frames": 3000, "pixels": 65536}
        noise = 12 / np.sqrt(where["photons"])
        for method, residual in RESIDUALS.items():
            rows["motion"].append({**where, **motion_row(method, residual * random.uniform(0.9, 1.1))})
            rows["timing"].append({"stage": "motion", "name": method, **sizes, "cpu_seconds": 30.0, "peak_mb": 500.0})
        for name in ("network", "twin"):
            rows["timing"].append({"stage": "spikes", "name": name, **sizes, "cpu_seconds": 10.0, "peak_mb": 300.0})
        rows["timing"].append({"stage": "extract", "name": "suite2p", **sizes, "cpu_seconds": 20.0, "peak_mb": 900.0})
        shown = random.uniform(2, 40, cells)
        # What is hard about a cell is hard for every recipe.
        hard = random.normal(0, 0.1, cells)
        for recipe, (motion, extract, spikes, r) in RECIPES.items():
            if where["session"] in (missing or {}).get(recipe, ()):
                continue
            names = {"motion_method": motion, "denoise": "none", "extract": extract, "spikes": spikes}
            found = np.arange(cells) < (1 if extract == "oracle" else FOUND) * cells
            got = np.where(found, np.clip(changes.get(recipe, r) + hard + random.normal(0, 0.02, cells), -1, 1), 0)
            rows["cells"] += [
                {**where, "recipe": recipe, **names, **cell_row(k, shown[k], noise, found[k], got[k])}
                for k in range(cells)
            ]
            counted = shown >= 5
            rows["recipes"].append({**where, "recipe": recipe, **names, **recipe_row(noise, found, got, counted)})
            if recipe != "twin":
                chain = {name: names[name] for name in ("motion_method", "denoise", "extract")}
                rows["extraction"] += [
                    {**where, **chain, "selection": selection, **extraction_row(int(counted.sum()), RESIDUALS[motion])}
                    for selection in ("accepted", "all")
                ]
    tables = {"motion": MotionBenchmark, "extraction": ExtractionBenchmark, "cells": CellBenchmark}
    made = {name: frame(table, rows[name]) for name, table in (tables | {"recipes": RecipeBenchmark}).items()}
    return Tables(**made, timing=pl.DataFrame(rows["timing"]))


def conditions() -> list[dict]:
    found = []
    for indicator in ("GCaMP6s", "jGCaMP8m"):
        for density in (50_000.0, 100_000.0):
            for photons in (4.0, 16.0):
                fixed = {"session": f"sub-s{len(found)}/ses-1", "plane": 0, "indicator": indicator, "frame_rate": 30.0}
                light = {"pixel_size": 1.5, "photons": photons, "density": density}
                found.append(fixed | light | {"motion": 1.0 + 0.1 * len(found), "nonrigid": 0.5, "axial": 0.0})
    return found


def frame(table: type[Table], rows: list[dict]) -> pl.DataFrame:
    return example(table, **pl.DataFrame(rows, infer_schema_length=None).to_dict())


def motion_row(method: str, residual: float) -> dict:
    parts = {"residual_rigid": residual / 2, "residual_99": residual * 2, "residual_rest": residual}
    return {"motion_method": method, "residual": residual, **parts, "residual_moving": None, "frames_lost": 0.01,
            "frames": 3000}  # fmt: skip


def cell_row(cell: int, detectability: float, noise: float, found: bool, r: float) -> dict:
    measured = {"iou": 0.6, "trace_correlation": 0.9, "crosstalk_neighbours": 0.05, "crosstalk_neuropil": 0.1}
    return {
        "cell": cell,
        "kind": "soma",
        "depth": 3.0,
        "detectability": detectability,
        "true_spikes": 50,
        "roi": cell if found else None,
        "spike_correlation": r,
        "noise_level": noise if found else None,
        **(measured if found else dict.fromkeys(measured)),
    }


def recipe_row(noise: float, found: np.ndarray, r: np.ndarray, counted: np.ndarray) -> dict:
    return {
        "cells": int(counted.sum()),
        "score": float(r[counted].mean()),
        "found": float(found[counted].mean()),
        "found_correlation": float(r[found & counted].mean()),
        "noise_level": noise,
    }


def extraction_row(cells: int, residual: float) -> dict:
    scores = {f"{name}_{level}": 0.9 - residual / 4 for name in ("precision", "recall", "f1") for level in (30, 50)}
    measured = {"overlap": 0.6, "trace_correlation": 0.9, "crosstalk_neighbours": 0.05, "crosstalk_neuropil": 0.1}
    return {"cells": cells, "rois": cells, **scores, **measured, "noise_level": 3.0, "residual": residual}
