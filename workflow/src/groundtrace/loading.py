"""dF/F from the results of other pipelines: a Suite2p plane folder, a CaImAn file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.errors import InputError
from groundtrace.suite2p_settings import read_settings
from groundtrace.traces.dff import DffParameters, NeuropilParameters, compute_dff

if TYPE_CHECKING:
    import h5py

SUITE2P_SETTINGS = ("ops.npy", "settings.npy")
"""Files of a plane folder that may hold the frame rate: ops.npy until Suite2p 0.14, settings.npy from 1.0 on."""


@dataclass(frozen=True)
class Traces:
    """dF/F of the accepted ROIs of one plane."""

    dff: FloatArray
    """(n_rois, n_frames) fraction."""
    frame_rate: float
    """Hz."""
    roi: IntArray
    """(n_rois,) each ROI's number, from 0, in the result it was read from."""
    source: Path


def load_traces(path: Path | str, frame_rate: float | None = None) -> Traces:
    """Load dF/F of the accepted ROIs from the result of Suite2p or CaImAn.

    Parameters
    ----------
    path : path
        Plane folder of Suite2p (F.npy, Fneu.npy, iscell.npy, ops.npy or settings.npy), or result of CaImAn (.hdf5, or a
        folder with one).
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
    files = [path] if path.is_file() else sorted(p for p in path.glob("*") if p.suffix in (".hdf5", ".h5"))
    if len(files) == 1 and files[0].suffix in (".hdf5", ".h5"):
        return _caiman(files[0], frame_rate)
    planes = sorted(found.parent for found in path.rglob("F.npy"))
    hint = f"; there are planes in it: {', '.join(map(str, planes))}" if planes else ""
    raise InputError(
        f"{path}: {'is' if path.exists() else 'does not exist, wanted is'} no single result that can be read{hint}. "
        "Give a Suite2p plane folder (with F.npy, Fneu.npy, iscell.npy, ops.npy) or one CaImAn .hdf5 file"
    )


def _suite2p(folder: Path, frame_rate: float | None) -> Traces:
    """dF/F with groundtrace's own baseline and neuropil correction; deconvolved traces (spks.npy) are not used."""
    fluorescence, neuropil = _array(folder / "F.npy"), _array(folder / "Fneu.npy")
    if fluorescence.shape != neuropil.shape or fluorescence.ndim != 2:
        raise InputError(
            f"{folder}: F.npy has shape {fluorescence.shape}, Fneu.npy {neuropil.shape}; "
            "both must be (n_rois, n_frames): run Suite2p's extraction again"
        )
    accepted = _array(folder / "iscell.npy")[:, 0] > 0.5
    if len(accepted) != len(fluorescence):
        raise InputError(f"{folder / 'iscell.npy'}: {len(accepted)} ROIs, F.npy has {len(fluorescence)}")
    rate = frame_rate or _suite2p_rate(folder)
    dff = compute_dff(fluorescence[accepted], neuropil[accepted], rate, 0.0, DffParameters()).dff
    return Traces(dff, rate, np.flatnonzero(accepted), folder)


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as an array ({error})") from error


def _suite2p_rate(folder: Path) -> float:
    for path in (folder / name for name in SUITE2P_SETTINGS):
        if path.is_file() and (rate := read_settings(path).get("fs")):
            return float(rate)
    raise InputError(
        f"{folder}: no frame rate (fs) in {' or '.join(SUITE2P_SETTINGS)}; give it: load_traces(folder, frame_rate=...)"
    )


def _caiman(path: Path, frame_rate: float | None) -> Traces:
    """F_dff where CaImAn computed it; else from C + YrA over its own baseline and the background's light."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if not isinstance(estimates := file.get("estimates"), h5py.Group):
                raise InputError(f"{path}: no group estimates: not a CaImAn result; save it with cnm.save('...hdf5')")
            rate = frame_rate or _caiman_rate(path, file)
            dff = _dataset(estimates, "F_dff")
            dff = _caiman_dff(path, estimates, rate) if dff is None else dff
            chosen = _dataset(estimates, "idx_components")
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error})") from error
    roi = np.arange(len(dff)) if chosen is None else np.atleast_1d(chosen).astype(np.int64)
    return Traces(np.asarray(dff[roi], np.float32), rate, roi, path)


def _dataset(group: "h5py.Group", name: str) -> np.ndarray | None:
    """Numbers of a dataset; CaImAn writes None as text."""
    import h5py

    found = group.get(name)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu" or found.size == 0:
        return None
    return np.asarray(found[()])


def _caiman_rate(path: Path, file: "h5py.File") -> float:
    import h5py

    found = file.get("params/data/fr")
    if isinstance(found, h5py.Dataset) and found.dtype.kind in "fiu":
        return float(np.ravel(found[()])[0])
    raise InputError(f"{path}: no frame rate (params/data/fr); give it: load_traces(file, frame_rate=...)")


def _caiman_dff(path: Path, estimates: "h5py.Group", frame_rate: float) -> FloatArray:
    """(C + YrA - F0) / (F0 + B): F0 the running percentile, B the median background under each footprint.

    C is what footprint A adds: A C in pixels, so background b f projects onto it as Aᵀ b f / ‖A‖².
    """
    from scipy.sparse import csc_array

    names = ("C", "YrA", "b", "f", "A/data", "A/indices", "A/indptr", "A/shape")
    parts = {name: part for name in names if (part := _dataset(estimates, name)) is not None}
    if missing := [name for name in names if name not in parts]:
        raise InputError(
            f"{path}: neither F_dff nor all of C, YrA, A, b, f (missing: {', '.join(missing)}), and without the "
            "background there is no dF/F; run cnm.estimates.detrend_df_f() in CaImAn and save again"
        )
    pixels, rois = parts["A/shape"]
    a = csc_array((parts["A/data"], parts["A/indices"], parts["A/indptr"]), shape=(int(pixels), int(rois)))
    background = (a.T @ parts["b"]) @ parts["f"] / np.asarray(a.multiply(a).sum(axis=0)).ravel()[:, None]
    fluorescence = parts["C"] + parts["YrA"] + np.median(background, axis=1, keepdims=True)
    alone = DffParameters(neuropil=NeuropilParameters(method="fixed", coefficient=0.0))
    return compute_dff(fluorescence, np.zeros_like(fluorescence), frame_rate, 0.0, alone).dff
