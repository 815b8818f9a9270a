"""Results of the workflow in Python: a study as data frames, its sessions as arrays that are read when used."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from groundtrace.acquisition import Acquisition
from groundtrace.errors import InputError, did_you_mean
from groundtrace.io import read_table
from groundtrace.running.layout import FILES, METHODS, UNFINISHED

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from groundtrace.sessions import Session

    DataFrame = pd.DataFrame | pl.DataFrame

Library = Literal["pandas", "polars"]
IMAGES = {
    "template": ("motion_images", "detector units", "image that frames were registered to"),
    "mean": ("motion_images", "detector units", "mean of the registered movie"),
    "mean_before": ("motion_images", "detector units", "mean of the raw movie"),
    "coverage": ("motion_images", "fraction", "share of good frames in which a pixel is from inside the field"),
    "maximum": ("extraction_images", "detector units", "largest value of the binned movie"),
    "deviation": ("extraction_images", "detector units", "standard deviation of the binned movie"),
    "correlation": ("extraction_images", "", "correlation of a pixel with its neighbours"),
    "peak_to_noise": ("extraction_images", "noise SD", "largest value of a pixel's bins, over a transient, above rest"),
    "energy": ("extraction_images", "noise SD", "root of the sum of squares of a pixel's active bins"),
    "std": ("raw_images", "detector units", "standard deviation of the raw movie"),
    "saturated": ("raw_images", "fraction", "share of frames in which a pixel saturates"),
}
"""Pictures of a plane, (Y, X): the name of their file in FILES, unit, meaning. The methods decide which there are."""


def open_study(results: Path | str, dataframes: Library = "pandas") -> "Study":
    """Open the folder of results of a workflow.

    Parameters
    ----------
    results : path
        The folder, `results` in the config. A study in which sessions failed opens too; these have no results.
    dataframes : "pandas" or "polars"
        Of which library the data frames are.

    Returns
    -------
    Study
        `sessions` and `rois()` as data frames; `session(...)`, or a loop over the study, for traces, spikes and images.

    Raises
    ------
    InputError
        When the folder has no table of a study.

    Examples
    --------
    >>> import groundtrace
    >>> study = groundtrace.open_study("results")
    >>> study.sessions[["session", "recipe", "cells"]].values.tolist()
    [['sub-M01/ses-001', 'default', 2]]
    >>> len(study.rois().query("accepted"))
    2
    >>> session = study.session("sub-M01/ses-001")
    >>> dff = session.traces("dff")
    >>> dff.dims, dff.shape, dff.attrs["units"]
    (('roi', 'time'), (3, 600), 'fraction')
    >>> session.spikes().sel(roi=0).mean().item() >= 0
    True
    """
    folder = Path(results)
    for name in ("study.parquet", UNFINISHED):
        if (folder / name).is_file():
            table = read_table(folder / name)
            if missing := set(METHODS) - set(table.columns):
                raise InputError(
                    f"{folder / name}: has no column {min(missing)}: made by an older version; run the workflow again"
                )
            return Study(folder, table, dataframes)
    raise InputError(
        f"{folder}: {'has no study.parquet' if folder.is_dir() else 'does not exist'}; give the folder of results of a "
        "workflow that has run to its end, `results` in its config"
    )


def planes_of(session: "Session", files: Mapping[str, Sequence[str]], recipe: str) -> list["SessionResults"]:
    """Results of the planes of a session. files: by name, one for each plane."""
    labels = {"indicator": session.indicator, "location": session.location}
    return [
        SessionResults(session.key, plane, recipe, {name: Path(paths[plane]) for name, paths in files.items()}, labels)
        for plane in range(session.planes)
    ]


@dataclass(frozen=True, repr=False)
class Study:
    """Every session, plane and recipe of a folder of results."""

    folder: Path
    table: pl.DataFrame
    """The table Study."""
    dataframes: Library

    @property
    def sessions(self) -> "DataFrame":
        """One row per session, plane and recipe, failed ones too; the sheet's own columns are `sheet_…`."""
        return _as(self.table, self.dataframes)

    @property
    def recipes(self) -> list[str]:
        return self.table["recipe"].unique(maintain_order=True).to_list()

    def rois(self, recipe: str | None = None) -> "DataFrame":
        """One row per ROI of all sessions and planes: what rois, traces and spikes tell of it with one number.

        A column that several of these tables have is that of the first. recipe: None takes all.
        """
        sessions = [session for session in self if recipe in (None, session.recipe)]
        if recipe is not None and not sessions:
            self._known("recipe", recipe)
        # Reading waits for the disk.
        with ThreadPoolExecutor(max_workers=8) as pool:
            tables = list(pool.map(SessionResults.numbers, sessions))
        return _as(pl.concat(tables, how="diagonal") if tables else pl.DataFrame(), self.dataframes)

    def session(self, session: str, plane: int = 0, recipe: str | None = None) -> "SessionResults":
        """One plane of a session, `sub-…/ses-…`, analysed with a recipe; None takes the first of the config."""
        recipe = recipe or self.recipes[0]
        for column, value in (("session", session), ("recipe", recipe)):
            self._known(column, value)
        found = self.table.filter(session=session, plane=plane, recipe=recipe)
        if found.is_empty():
            planes = self.table.filter(session=session, recipe=recipe)["plane"].to_list()
            raise InputError(f"{self.folder}: {session} has no plane {plane} with {recipe}; there are planes {planes}")
        row = found.row(0, named=True)
        if row["status"] != "done":
            raise InputError(f"{self.folder}: {session} plane {plane} {recipe} has no results: {row['reason']}")
        return self._results(row)

    def __iter__(self) -> Iterator["SessionResults"]:
        """Every session, plane and recipe that is done."""
        return map(self._results, self.table.filter(status="done").iter_rows(named=True))

    def __len__(self) -> int:
        return self.table.filter(status="done").height

    def __repr__(self) -> str:
        failed = self.table.height - len(self)
        return f"<Study {self.folder}: {len(self)} done, {failed} failed; recipes {', '.join(self.recipes)}>"

    def _known(self, column: str, value: str) -> None:
        known = self.table[column].unique(maintain_order=True).to_list()
        if value not in known:
            hint = did_you_mean(value, known) or f"; there are {', '.join(known[:8])}{', …' if len(known) > 8 else ''}"
            raise InputError(f"{self.folder}: no {column} {value!r}{hint}")

    def _results(self, row: Mapping[str, Any]) -> "SessionResults":
        files = {name: self.folder / pattern.format(**row) for name, pattern in FILES.items()}
        labels = {"indicator": row["indicator"]}
        return SessionResults(row["session"], row["plane"], row["recipe"], files, labels, self.dataframes)


@dataclass(frozen=True, repr=False)
class SessionResults:
    """Results of one session, plane and recipe."""

    session: str
    """`sub-…/ses-…`."""
    plane: int
    """0-based."""
    recipe: str
    files: Mapping[str, Path]
    """By the names of `running.layout.FILES`."""
    labels: Mapping[str, Any]
    """What the sheet says of it: indicator, location."""
    dataframes: Library = "pandas"

    @cached_property
    def acquisition(self) -> Acquisition:
        """Frame rate, size, pixel size, indicator."""
        return Acquisition.read(self.files["acquisition"], **self.labels)

    def rois(self) -> "DataFrame":
        """One row per ROI, with its footprint in the columns pixel_y, pixel_x (px) and weight (sum 1)."""
        footprints = read_table(self.files["rois"], ["roi", "pixel_y", "pixel_x", "weight"])
        return _as(self.numbers().join(footprints, on="roi", how="left", maintain_order="left"), self.dataframes)

    @property
    def curated(self) -> "DataFrame":
        """One row per ROI that a person decided on: its verdict beside the automatic one, reason and note."""
        names = ["roi", "accepted", "accepted_automatically", "reason", "note"]
        rois = read_table(self.files["rois"], [*names, "curated"])
        return _as(rois.filter("curated").select(names), self.dataframes)

    def traces(self, name: str = "dff") -> "xr.DataArray":
        """Traces (roi, time) of a column of the table Traces: dff, fluorescence, neuropil; dff_denoised, dff_low and
        dff_high where the recipe denoises. Read when its values are used. NaN where a frame has none."""
        return self._array("traces", name, ("accepted",))

    def spikes(self, name: str = "rate") -> "xr.DataArray":
        """Spike rates (roi, time), Hz: rate, or the ends of its predictive interval, rate_low and rate_high."""
        return self._array("spikes", name, ("accepted", "noise_level", "expected_correlation"))

    @cached_property
    def images(self) -> "Images":
        """Pictures of the plane (y, x) by name, read when asked for."""
        return Images(self)

    @cached_property
    def time(self) -> "xr.Variable":
        """(time,) s, of each frame since the first, by the stamps of the file where it has some."""
        import xarray as xr

        attributes = {"units": "s", "long_name": "time since the first frame"}
        return xr.Variable("time", read_table(self.files["frames"], ["time"])["time"].to_numpy(), attributes)

    @property
    def attributes(self) -> dict[str, Any]:
        """What every array tells of where it is from."""
        return {
            "session": self.session,
            "plane": self.plane,
            "recipe": self.recipe,
            "indicator": self.acquisition.indicator,
            "frame_rate": self.acquisition.frame_rate,
        }

    def numbers(self) -> pl.DataFrame:
        """One row per ROI: the columns of rois, traces and spikes that hold one number or word."""
        columns: dict[str, pl.Series] = {}
        for path in (self.files[name] for name in ("rois", "traces", "spikes")):
            schema = pl.read_parquet_schema(path)
            wanted = [name for name, kind in schema.items() if name not in columns and not isinstance(kind, pl.List)]
            columns |= read_table(path, wanted).to_dict()
        where = [pl.lit(self.session).alias("session"), pl.lit(self.plane, pl.Int32).alias("plane")]
        return pl.DataFrame(columns).select(*where, pl.lit(self.recipe).alias("recipe"), pl.all())

    def columns(self, file: str) -> list[str]:
        """Columns of the table `traces` or `spikes` with a value per frame."""
        schema = pl.read_parquet_schema(self.files[file])
        return [column for column, kind in schema.items() if isinstance(kind, pl.List)]

    @property
    def has_rois(self) -> bool:
        return bool(pl.scan_parquet(self.files["rois"]).select(pl.len()).collect().item())

    @property
    def has_shifts(self) -> bool:
        """Its motion is known: not of every session that starts from results of another pipeline."""
        return read_table(self.files["shifts"], ["y"])["y"].null_count() == 0

    @property
    def has_interval(self) -> bool:
        """Spike rates come with a predictive interval."""
        return bool(read_table(self.files["spikes"], ["rate_low"])["rate_low"].list.len().max())

    def __repr__(self) -> str:
        return f"<SessionResults {self.session} plane {self.plane} {self.recipe}>"

    def _array(self, file: str, name: str, coordinates: tuple[str, ...]) -> "xr.DataArray":
        import xarray as xr

        from groundtrace.lazy import list_variable

        path = self.files[file]
        known = self.columns(file)
        if name not in known:
            raise InputError(f"{path}: no column {name!r} of values per frame; there are {', '.join(known)}")
        variable = list_variable(path, name, self.acquisition.frames)
        per_roi = read_table(path, ["roi", *coordinates])
        coords = {column: ("roi", per_roi[column].to_numpy()) for column in per_roi.columns}
        # A DataArray made from a variable would read it.
        array = xr.Dataset({name: variable}, coords | {"time": self.time})[name]
        array.attrs |= self.attributes
        return array


class Images(Mapping[str, "xr.DataArray"]):
    """Pictures of a plane by the names of IMAGES, each read when it is asked for."""

    def __init__(self, session: SessionResults):
        self._session = session

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Those that there are, with the archive that has them."""
        files = {name: self._session.files[file] for name, (file, *_) in IMAGES.items()}
        members = {path: _members(path) for path in set(files.values())}
        return {name: path for name, path in files.items() if name in members[path]}

    def __getitem__(self, name: str) -> "xr.DataArray":
        import xarray as xr

        with np.load(self._files[name], allow_pickle=False) as archive:
            values = archive[name]
        _, unit, meaning = IMAGES[name]
        attributes = {"units": unit, "long_name": meaning, **self._session.attributes}
        return xr.DataArray(values, dims=("y", "x"), name=name, attrs=attributes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<Images {', '.join(self)}>"


def _members(path: Path) -> list[str]:
    with np.load(path, allow_pickle=False) as archive:
        return archive.files


def _as(table: pl.DataFrame, library: Library) -> "DataFrame":
    if library == "pandas":
        return table.to_pandas()
    if library == "polars":
        return table
    raise InputError(f"dataframes={library!r} is not allowed; use 'pandas' or 'polars'")
