"""Units of an NWB file, as the Allen Institute lays out recordings with Neuropixels: cells that already are spikes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from groundtrace.acquisition import Acquisition
from groundtrace.adopted.adopt import frames_table, sources
from groundtrace.adopted.choosing import FORM, Condition, parse
from groundtrace.arrays import FloatArray
from groundtrace.errors import InputError, did_you_mean
from groundtrace.responses.tables import Units
from groundtrace.sessions import Session
from groundtrace.tables import empty, ragged

RATE = 20.0
"""Hz, of the frames that pictures of spikes are drawn in; responses count spikes exactly."""
AREA = "location"
"""Column of the electrodes that becomes the column `area` of the units."""
OPERATORS = {
    "==": pl.Expr.eq, "!=": pl.Expr.ne, ">=": pl.Expr.ge, "<=": pl.Expr.le, ">": pl.Expr.gt, "<": pl.Expr.lt,
}  # fmt: skip


def read_units(path: Path | str, chosen: str | None = None) -> pl.DataFrame:
    """Units of a file: `unit` (its id), spike_times, and its columns of numbers and text, with `area` where it is told.

    chosen: conditions on these columns, joined by `and`. Raises InputError, naming file, fault and what is allowed.
    """
    conditions = parse(chosen) if chosen else []
    return _opened(path, lambda units: _read(Path(path), units, conditions))


def _opened(path: Path | str, read: Callable[[Any], Any]) -> Any:
    import h5py

    if not Path(path).is_file():
        raise InputError(f"{str(path)!r} does not exist")
    try:
        with h5py.File(path, "r") as file:
            units: Any = file.get("units")
            if units is None or not {"id", "spike_times", "spike_times_index"} <= set(units):
                raise InputError(
                    f"{path}: has no units with spike times (units/spike_times); with format nwb_units a session is a "
                    "file of sorted spikes"
                )
            return read(units)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error})") from error


def _read(path: Path, units: Any, conditions: list[Condition]) -> pl.DataFrame:
    known = _columns(units)
    rows = pl.Series(np.ones(known.height, bool))
    for condition in conditions:
        rows &= _meets(path, known, condition)
    if not rows.any():
        raise InputError(f"{path}: none of its {known.height} units is chosen by the column units; lower the demands")
    last = units["spike_times_index"][:].astype(np.int64)
    first = np.concatenate([[0], last[:-1]])
    times = [np.sort(units["spike_times"][first[row] : last[row]]).astype(np.float64) for row in rows.arg_true()]
    return known.filter(rows).with_columns(spike_times=ragged(times, pa.float64()))


def _columns(units: Any) -> pl.DataFrame:
    """One number, truth or text per unit; and its area, by the electrode of its peak channel."""
    import h5py

    count = units["id"].shape
    found: dict[str, Any] = {"unit": units["id"][:].astype(str)}
    for name, column in units.items():
        if not isinstance(column, h5py.Dataset) or column.shape != count or name == "id" or name.endswith("_index"):
            continue
        if h5py.check_string_dtype(column.dtype) is not None:
            found[name] = column.asstr()[:]
        elif column.dtype.kind in "fiub":
            found[name] = column[:]
    electrodes = units.file.get("general/extracellular_ephys/electrodes")
    if "area" not in found and "peak_channel_id" in found and electrodes is not None and AREA in electrodes:
        places = dict(zip(electrodes["id"][:].tolist(), electrodes[AREA].asstr()[:], strict=True))
        found["area"] = [places.get(int(channel), "") for channel in found["peak_channel_id"]]
    return pl.DataFrame({name: pl.Series(values) for name, values in found.items()})


def _meets(path: Path, known: pl.DataFrame, condition: Condition) -> pl.Series:
    name, operator, value = condition
    if name not in known.columns:
        raise InputError(
            f"{path}: its units have no column {name!r}{did_you_mean(name, known.columns)}; there are "
            f"{', '.join(known.columns)}"
        )
    text = known[name].dtype == pl.String
    if text != isinstance(value, str):
        raise InputError(
            f"{path}: {name} of its units is {'text' if text else 'a number'}, and {value!r} is not; {FORM}"
        )
    met = OPERATORS[operator](pl.col(name), value)
    return known.select(met.fill_null(False)).to_series()


def clock(path: Path | str) -> FloatArray:
    """Times (n_frames,) of frames at RATE, s, from 0 to the last spike or presentation."""

    def last(units: Any) -> float:
        index = units["spike_times_index"][:].astype(np.int64)
        filled = np.unique(index[index > 0]) - 1
        ends = [units["spike_times"][filled].max()] if len(filled) else [0.0]
        for table in units.file.get("intervals", {}).values():
            ends += [np.nanmax(table["stop_time"][:])] if "stop_time" in table and len(table["stop_time"]) else []
        return float(max(ends))

    return np.arange(int(np.ceil(_opened(path, last) * RATE)) + 1) / RATE


class Taken(NamedTuple):
    """Files of a plane, by what they are called in the folder of results."""

    acquisition: Acquisition
    frames: pl.DataFrame
    units: pl.DataFrame


def adopt_units(session: Session, files: Sequence[Path]) -> Taken:
    """What responses and the page of a session start from. Raises InputError."""
    if len(files) != 1:
        raise InputError(f"{files[0]}: {len(files)} files; a session of units is one file, so write a row for each")
    time, found = clock(files[0]), read_units(files[0], session.units)
    known = {name: found[name] if name in found.columns else pl.lit(None, pl.String) for name in ("area", "quality")}
    table = found.select("unit", "spike_times").with_columns(
        roi=pl.int_range(pl.len(), dtype=pl.Int32),
        accepted=pl.lit(True),
        mean_rate=(pl.col("spike_times").list.len() * RATE / len(time)).cast(pl.Float32),
        **{name: values.cast(pl.String) for name, values in known.items()},
    )
    return Taken(
        _acquisition(session, files, len(time)),
        frames_table(time, np.zeros(len(time), np.int64)),
        table.select(empty(Units).columns),
    )


def _acquisition(session: Session, files: Sequence[Path], frames: int) -> Acquisition:
    """Of a recording without images."""
    return Acquisition(
        subject=session.subject,
        session=session.session,
        date=session.date,
        plane=0,
        planes=1,
        channels=1,
        functional_channel=1,
        frames=frames,
        height=1,
        width=1,
        dtype="unknown",
        frame_rate=RATE,
        saturation=0,
        adopted="sorted spikes",
        sources=sources(files, frames),
    )
