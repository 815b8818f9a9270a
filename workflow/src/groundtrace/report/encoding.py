"""The page of encoding models of one session, plane and recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from groundtrace.arrays import FloatArray
from groundtrace.io import read_arrays, read_provenance, read_table
from groundtrace.report.frame import page_warnings, render
from groundtrace.report.html import contrast, number, png
from groundtrace.report.tables import warning_rows

CONTROLS = ("mean", "oracle")


@dataclass(frozen=True)
class EncodingInputs:
    """What the page shows: tables as in `groundtrace.encoding.tables`, and pictures."""

    session: str
    plane: int
    recipe: str
    scores: pl.DataFrame
    images: pl.DataFrame
    responses: pl.DataFrame
    inside: pl.DataFrame
    reliability: pl.DataFrame
    pictures: Mapping[str, FloatArray]
    stack: FloatArray
    """(n_images, Y, X) that were shown."""
    notices: Sequence[Mapping[str, str]] = ()
    """What the rule `encoding` had to say."""

    page = "encoding"

    @cached_property
    def models(self) -> list[str]:
        """Names of the models, in the order of the config, without the controls."""
        names = self.scores["model"].unique(maintain_order=True).to_list()
        return [name for name in names if name not in CONTROLS]

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Range of pixels, which is black and white in all pictures of images."""
        return float(self.stack.min()), float(self.stack.max())

    def picture(self, image: FloatArray) -> str:
        """An image (Y, X) as the data URI of a PNG."""
        return png(contrast(image, *self.limits))


def with_error(value: float | None, error: float | None, digits: int = 2) -> str:
    """A value and its standard error for reading."""
    known = error is not None and np.isfinite(error)
    return number(value, digits) + (f" ± {number(error, 1)}" if known and value is not None else "")


def load_encoding(paths: Mapping[str, Path | str], session: str, plane: int, recipe: str) -> EncodingInputs:
    """Read what the rule `encoding` left; `paths` by their names in `FILES`."""
    names = ("encoding", "most_exciting_images", "in_silico_responses", "inside", "reliability")
    scores, images, responses, inside, reliability = (read_table(paths[name]) for name in names)
    pictures, stack = read_arrays(paths["encoding_pictures"]), read_arrays(paths["stimulus_images"])["images"]
    notices = read_provenance(paths["encoding"])["history"][-1].get("notices", ())
    tables = (scores, images, responses, inside, reliability)
    return EncodingInputs(session, plane, recipe, *tables, pictures, stack, notices)


def encoding_warnings(given: EncodingInputs) -> pl.DataFrame:
    """Table Warnings of the page."""
    where = {"session": given.session, "plane": given.plane, "recipe": given.recipe}
    return warning_rows(where, page_warnings(given.page, given))


def render_encoding(given: EncodingInputs) -> str:
    """The page as HTML."""
    return render("encoding", given, f"Encoding models – {given.session}, plane {given.plane}, {given.recipe}")
