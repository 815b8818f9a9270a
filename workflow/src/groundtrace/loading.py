"""dF/F from the results of other pipelines."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtrace.adopted import caiman, extract, minian, nwb, suite2p
from groundtrace.adopted.base import Adopted
from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.traces.dff import DffParameters, NeuropilParameters, compute_dff

SUFFIXES = (".hdf5", ".h5", ".nwb", ".mat")
"""Of files that are read."""


@dataclass(frozen=True)
class Traces:
    """dF/F of the accepted ROIs of one plane."""

    dff: FloatArray
    """(n_rois, n_frames) fraction; NaN in frames that the pipeline left out."""
    frame_rate: float
    """Hz."""
    roi: IntArray
    """(n_rois,) each ROI's number, from 0, in the result it was read from."""
    source: Path


def load_traces(path: Path | str, frame_rate: float | None = None) -> Traces:
    """Load dF/F of the accepted ROIs from the result of another pipeline.

    Parameters
    ----------
    path : path
        Plane folder of Suite2p (F.npy, Fneu.npy, iscell.npy, ops.npy or settings.npy), result of CaImAn (.hdf5),
        processed NWB file (.nwb), output of EXTRACT (.mat), or a folder with one of these; folder of Minian.
    frame_rate : float, optional
        Hz; None takes the result's own.

    Returns
    -------
    Traces
        dF/F (n_rois, n_frames) as a fraction, frame rate (Hz), and each ROI's number in the result.

    Raises
    ------
    InputError
        When there is not one result that can be read, or it has no frame rate.

    Examples
    --------
    >>> import groundtrace
    >>> traces = groundtrace.load_traces("suite2p/plane0")
    >>> traces.dff.shape, traces.frame_rate, traces.roi.tolist()
    ((2, 600), 30.0, [0, 2])
    """
    path = Path(path)
    if (path / "F.npy").is_file():
        return _suite2p(path, frame_rate)
    if (path / "A.zarr").is_dir():
        return _taken(path, minian.read(path), frame_rate)
    files = [path] if path.is_file() else sorted(p for p in path.glob("*") if p.suffix in SUFFIXES)
    if len(files) == 1 and files[0].suffix in (".hdf5", ".h5"):
        return _caiman(files[0], frame_rate)
    if len(files) == 1 and files[0].suffix in SUFFIXES:
        return _taken(files[0], (nwb if files[0].suffix == ".nwb" else extract).read(files[0]), frame_rate)
    planes = sorted(found.parent for found in path.rglob("F.npy"))
    hint = f"; there are planes in it: {', '.join(map(str, planes))}" if planes else ""
    raise InputError(
        f"{path}: {'is' if path.exists() else 'does not exist, wanted is'} no single result that can be read{hint}. "
        "Give a Suite2p plane folder (with F.npy, Fneu.npy, iscell.npy, ops.npy), one CaImAn .hdf5, .nwb or EXTRACT "
        ".mat file, or a folder of Minian (with A.zarr, YrA.zarr)"
    )


def _suite2p(folder: Path, frame_rate: float | None) -> Traces:
    """dF/F with groundtrace's own baseline and neuropil correction; deconvolved traces (spks.npy) are not used."""
    fluorescence, neuropil, verdict = suite2p.traces(folder)
    settings = suite2p.read_all(folder)
    rate = frame_rate or settings.get("fs")
    if not rate:
        raise InputError(
            f"{folder}: no frame rate (fs) in ops.npy or settings.npy; give it: load_traces(folder, frame_rate=...)"
        )
    accepted = verdict[:, 0] > 0.5
    dff = compute_dff(
        fluorescence[accepted],
        neuropil[accepted],
        float(rate),
        settings.get("detector_offset") or 0.0,
        DffParameters(),
        bad_frames=suite2p.bad_frames(settings, fluorescence.shape[1]),
    ).dff
    return Traces(dff, float(rate), np.flatnonzero(accepted), folder)


def _caiman(path: Path, frame_rate: float | None) -> Traces:
    """F_dff where CaImAn computed it; else from C + YrA over its own baseline and the background's light."""
    with caiman.opened(path) as (file, estimates):
        light, dff = caiman.traces(path, estimates)
        rate = frame_rate or caiman.rate(file)
        if rate is None:
            raise InputError(f"{path}: no frame rate (params/data/fr); give it: load_traces(file, frame_rate=...)")
        if dff is None:
            assert light is not None
            dff = _without_neuropil(light, rate)
        roi = caiman.chosen(estimates, len(dff))
    return Traces(np.asarray(dff[roi], np.float32), rate, roi, path)


def _taken(path: Path, found: Adopted, frame_rate: float | None) -> Traces:
    """dF/F of the result where it has no fluorescence; else with a baseline of our own."""
    rate = frame_rate or found.frame_rate
    if rate is None:
        raise InputError(f"{path}: no frame rate in it; give it: load_traces(path, frame_rate=...)")
    dff, light = found.dff, found.fluorescence
    if dff is None:
        assert light is not None
        around = found.neuropil
        dff = (
            _without_neuropil(light, rate)
            if around is None
            else compute_dff(light, around, rate, found.offset or 0.0, DffParameters(), bad_frames=found.bad).dff
        )
    roi = np.flatnonzero(found.accepted)
    return Traces(np.asarray(dff[roi], np.float32), rate, roi, path)


def _without_neuropil(light: FloatArray, frame_rate: float) -> FloatArray:
    alone = DffParameters(neuropil=NeuropilParameters(method="fixed", coefficient=0.0))
    return compute_dff(light, np.zeros_like(light), frame_rate, 0.0, alone).dff
