"""Spike inference without the pipeline: what users of Python and of other pipelines get."""

import os
import re
import subprocess
import sys
import warnings
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.sparse import csc_array

import groundtrace
from groundtrace.errors import InputError
from groundtrace.indicators import indicators
from groundtrace.infer import METHODS, backend_named
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.dff import DffParameters, compute_dff
from groundtrace.traces.noise import noise_level
from tests.study import example_entry, example_plane, write_example_study
from tests.unit.adopted.results import minian

ROOT = Path(__file__).resolve().parents[2]
RATE = 30.0


def transients(rois: int = 4, frames: int = 1500, seed: int = 0) -> np.ndarray:
    """Noiseless dF/F at 0.9 Hz."""
    counts = np.random.default_rng(seed).poisson(0.03, (rois, frames))
    return np.stack([np.convolve(row, 0.2 * np.exp(-np.arange(60) / 9))[:frames] for row in counts])


def noisy(rois: int = 4, frames: int = 1500) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 0.05, (rois, frames))
    return (transients(rois, frames) + noise).astype(np.float32)


def test_the_package_is_imported_fast_and_alone():
    code = (
        "import sys, time; start = time.perf_counter(); import groundtrace; spent = time.perf_counter() - start;"
        "assert spent < 0.3, spent; loaded = {'torch', 'scipy', 'numpy', 'polars'} & set(sys.modules);"
        "assert not loaded, loaded; assert {'infer_spikes', 'load_traces', 'open_study'} <= set(dir(groundtrace));"
        "groundtrace.infer_spikes; groundtrace.open_study;"
        "loaded = {'torch', 'cvxpy', 'oasis', 'h5py', 'pandas', 'xarray'} & set(sys.modules);"
        "assert not loaded, loaded"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(groundtrace.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


ALONE = """
import re, sys, tomllib
from importlib.metadata import packages_distributions

project = tomllib.load(open(sys.argv[1], "rb"))["project"]
name = lambda requirement: re.split(r"[=<>\\[]", requirement)[0]
extras = {extra: set(map(name, needed)) for extra, needed in project["optional-dependencies"].items()}
present = set(map(name, project["dependencies"])).union(*(extras[extra] for extra in sys.argv[3:]))
extra = set().union(*extras.values()) - present
absent = [module for module, owners in packages_distributions().items() if extra & set(owners)]


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
assert {"snakemake", "suite2p", "numba"} <= set(absent), absent

import numpy as np
import groundtrace
"""
INFERS = """
dff = np.random.default_rng(0).normal(0, 0.05, (1, 300)).astype(np.float32)
for method in ("network", "oasis", "convex"):
    assert groundtrace.infer_spikes(dff, frame_rate=30.0, indicator="GCaMP6f", method=method).rate.shape == (1, 300)
"""


OPENS = """
from pathlib import Path

assert "torch" in absent
study = groundtrace.open_study(sys.argv[2])
(session,) = study
assert session.spikes().shape == (4, 600) and len(study.rois()) == 4
try:
    groundtrace.infer_spikes(np.random.default_rng(0).normal(0, 0.05, (1, 300)), 30.0, "GCaMP6f")
except groundtrace.errors.InputError as error:
    assert str(error).endswith('needs the package torch, which is not installed; pip install "groundtrace[spikes]"')
else:
    raise AssertionError("torch is there")
try:
    groundtrace.load_traces(sys.argv[2] + "/minian")
except groundtrace.errors.InputError as error:
    assert str(error).endswith("minian: is in Zarr, which is not installed here; pip install zarr")
else:
    raise AssertionError("zarr is there")
"""


def run_alone(code: str, folder: Path, *extras: str) -> None:
    """Run it where only the core and some extras are installed, as `pip install .` does."""
    source = Path(groundtrace.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, "-c", ALONE + code, str(source.parents[1] / "pyproject.toml"), str(folder), *extras]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_spikes_are_inferred_without_snakemake_and_suite2p(tmp_path):
    """By every method, and as the README does it."""
    (example,) = re.findall(r"```python\n(import groundtrace\n.*?)```", (ROOT / "README.md").read_text(), re.S)
    run_alone(INFERS + example, tmp_path, "spikes")


def test_results_are_read_without_torch(tmp_path):
    session = example_plane()
    write_example_study(tmp_path, [(example_entry(tmp_path, session), session)])
    minian(tmp_path / "minian")
    run_alone(OPENS, tmp_path)


def test_an_unknown_attribute_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="infer_spike"):
        groundtrace.infer_spike  # noqa: B018


def test_rates_are_those_of_the_backend():
    dff = noisy()
    found = groundtrace.infer_spikes(dff, frame_rate=RATE, indicator="gcamp6f", method="oasis")
    direct = Oasis().run(dff, RATE, indicators()["GCaMP6f"])
    assert np.array_equal(found.rate, direct.rate)
    assert found.noise_level == pytest.approx(noise_level(dff, RATE))
    assert (found.low, found.high) == (None, None)
    assert found.roi.tolist() == [0, 1, 2, 3]
    assert (found.frame_rate, found.backend) == (RATE, Oasis())
    assert found.expected_correlation.shape == (4,)


def test_a_species_has_kinetics_of_its_own_or_those_of_mice_are_named():
    dff = noisy()
    found = groundtrace.infer_spikes(dff, RATE, "GCaMP6f", method="oasis", species="Danio rerio")
    assert np.array_equal(found.rate, Oasis().run(dff, RATE, indicators()["GCaMP6f in Danio rerio"]).rate)
    with pytest.warns(UserWarning, match="kinetics of GCaMP6s in Danio rerio are not known"):
        groundtrace.infer_spikes(dff, RATE, "GCaMP6s", method="oasis", species="Danio rerio")


def test_a_backend_with_its_own_parameters_is_used_as_it_is():
    dff, kinetics = noisy(), indicators()["GCaMP6f"]
    backend = Oasis(order=2, decay_time=0.5)
    found = groundtrace.infer_spikes(dff, RATE, "GCaMP6f", method=backend)
    assert np.array_equal(found.rate, backend.run(dff, RATE, kinetics).rate)
    assert not np.array_equal(found.rate, Oasis().run(dff, RATE, kinetics).rate)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "network"])
def test_every_method_is_found_by_its_name(method):
    assert backend_named(method).backend == method


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"method": "oasys"}, r"method: 'oasys' is not known; did you mean 'oasis'\? Known are network, oasis, convex"),
        ({"method": "oasis", "lookahead": 4}, "lookahead: the method 'oasis' always uses the whole recording"),
        ({"method": Oasis(), "lookahead": 4}, "lookahead: a parameter of the method given"),
        ({"method": "oasis", "indicator": "GCaMP6"}, "indicator: 'GCaMP6' is not known; did you mean 'GCaMP6"),
        ({"method": "oasis", "indicator": None}, "indicator: Oasis needs one"),
        ({"method": "oasis", "frame_rate": None}, "frame_rate: None is not allowed"),
    ],
)
def test_wrong_arguments_are_told(arguments, said):
    with pytest.raises(InputError, match=said):
        groundtrace.infer_spikes(**{"dff": noisy(), "frame_rate": RATE, "indicator": "GCaMP6f", **arguments})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda dff: 100 * dff, "in per cent"),
        (lambda dff: dff.T, r"give dff\.T"),
        (lambda dff: np.random.default_rng(0).poisson(0.03, dff.shape).astype(float), "output of a deconvolution"),
        (lambda dff: 400 * (dff + 1), "raw fluorescence"),
    ],
)
def test_what_is_no_dff_is_refused(spoil, said):
    with pytest.raises(InputError, match=said):
        groundtrace.infer_spikes(spoil(noisy()), RATE, "GCaMP6f", "oasis")


def test_denoised_input_is_told():
    with pytest.warns(UserWarning, match="smoothed or denoised before") as told:
        groundtrace.infer_spikes(transients() + 1e-9 * noisy(), RATE, "GCaMP6f", "oasis")
    # The warning points at the user's line.
    assert {warning.filename for warning in told} == {__file__}


def test_gaps_have_no_rates_and_other_frames_keep_theirs():
    dff = noisy()
    whole = groundtrace.infer_spikes(dff, RATE, "GCaMP6f", "oasis").rate
    dff[0, 300:400] = np.nan
    dff[1, 700:705] = np.nan
    dff[2] = np.nan
    with pytest.warns(UserWarning, match="have gaps"), pytest.warns(UserWarning, match=r"1 of 4 ROIs .* no rates"):
        rate = groundtrace.infer_spikes(dff, RATE, "GCaMP6f", "oasis").rate
    assert np.flatnonzero(np.isnan(rate[0])).tolist() == list(range(300, 400))
    assert np.flatnonzero(np.isnan(rate[1])).tolist() == list(range(700, 705))
    assert np.isnan(rate[2]).all()
    assert np.array_equal(rate[3], whole[3])
    for roi in (0, 1):
        known = np.isfinite(rate[roi])
        assert np.corrcoef(rate[roi, known], whole[roi, known])[0, 1] > 0.98


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def plane(tmp_path) -> Path:
    """A plane folder as Suite2p writes it: raw fluorescence, neuropil, three of four ROIs accepted."""
    neuropil = 100 + np.random.default_rng(2).normal(0, 2, (4, 1500))
    fluorescence = 300 * (1 + noisy()) + 0.7 * neuropil
    np.save(tmp_path / "F.npy", fluorescence.astype(np.float32))
    np.save(tmp_path / "Fneu.npy", neuropil.astype(np.float32))
    np.save(tmp_path / "iscell.npy", np.array([[1, 0.9], [0, 0.1], [1, 0.8], [1, 0.7]]))
    ops = {"fs": np.float64(RATE), "save_path": tmp_path, "date_proc": datetime(2026, 1, 1), "meanImg": np.ones((3, 3))}
    np.save(tmp_path / "ops.npy", ops)  # type: ignore[arg-type]
    return tmp_path


def test_a_suite2p_plane_becomes_dff_of_its_cells(plane):
    traces = groundtrace.load_traces(plane)
    f, neuropil = (np.load(plane / name)[[0, 2, 3]] for name in ("F.npy", "Fneu.npy"))
    assert np.array_equal(traces.dff, compute_dff(f, neuropil, RATE, 0.0, DffParameters()).dff)
    assert (traces.frame_rate, traces.roi.tolist(), traces.source) == (RATE, [0, 2, 3], plane)
    spikes = groundtrace.infer_spikes(traces, indicator="GCaMP6f", method="oasis")
    assert spikes.rate.shape == (3, 1500)
    assert spikes.roi.tolist() == [0, 2, 3]
    for inferred, true in zip(spikes.rate, transients()[[0, 2, 3]], strict=True):
        onsets = np.diff(true, prepend=0) > 0.1
        assert inferred[np.flatnonzero(onsets) - 1].mean() > 5 * inferred.mean()


def test_settings_of_suite2p_1_hold_the_frame_rate_too(plane):
    (plane / "ops.npy").unlink()
    with pytest.raises(InputError, match=r"no frame rate \(fs\) in ops.npy or settings.npy"):
        groundtrace.load_traces(plane)
    assert groundtrace.load_traces(plane, frame_rate=15.0).frame_rate == 15
    np.save(plane / "settings.npy", {"fs": 7.5, "tau": 1.0})  # type: ignore[arg-type]
    assert groundtrace.load_traces(plane).frame_rate == 7.5


def test_settings_cannot_run_code(plane):
    victim = plane / "was_here"
    np.save(plane / "ops.npy", {"fs": 10.0, "trap": Trap(victim)})  # type: ignore[arg-type]
    assert groundtrace.load_traces(plane).frame_rate == 10
    assert not victim.exists()
    np.load(plane / "ops.npy", allow_pickle=True)
    assert victim.exists()


def test_damaged_settings_are_named(plane):
    content = (plane / "ops.npy").read_bytes()
    for damaged in (b"nonsense", content[:-20], b""):
        (plane / "ops.npy").write_bytes(damaged)
        with pytest.raises(InputError, match=r"ops\.npy: not Suite2p's settings"):
            groundtrace.load_traces(plane)


def test_files_that_do_not_belong_together_are_told(plane):
    np.save(plane / "Fneu.npy", np.zeros((4, 10)))
    with pytest.raises(InputError, match=r"F.npy has shape \(4, 1500\), Fneu.npy \(4, 10\)"):
        groundtrace.load_traces(plane)
    (plane / "Fneu.npy").unlink()
    with pytest.raises(InputError, match=r"Fneu\.npy: cannot be read"):
        groundtrace.load_traces(plane)


def test_a_folder_of_planes_names_them(plane):
    with pytest.raises(InputError, match=f"there are planes in it: .*{plane}"):
        groundtrace.load_traces(plane.parent)
    with pytest.raises(InputError, match="does not exist"):
        groundtrace.load_traces(plane / "nowhere")


def test_a_frame_rate_beside_loaded_traces_is_refused(plane):
    with pytest.raises(InputError, match="part of loaded traces"):
        groundtrace.infer_spikes(groundtrace.load_traces(plane), frame_rate=RATE, indicator="GCaMP6f", method="oasis")


def caiman(path: Path, **estimates) -> Path:
    """A result as CaImAn saves it: None is text, sparse footprints a group."""
    with h5py.File(path, "w") as file:
        file["params/data/fr"] = RATE
        for name, value in estimates.items():
            file[f"estimates/{name}"] = "NoneType" if value is None else value
    return path


def test_a_caiman_result_with_dff_is_read(tmp_path):
    dff = noisy()
    traces = groundtrace.load_traces(caiman(tmp_path / "a.hdf5", F_dff=dff, idx_components=np.array([0, 3])))
    assert np.array_equal(traces.dff, dff[[0, 3]])
    assert (traces.frame_rate, traces.roi.tolist()) == (RATE, [0, 3])
    # The folder with one result does as well; no selection means all.
    caiman(tmp_path / "a.hdf5", F_dff=dff, idx_components=None)
    assert groundtrace.load_traces(tmp_path).roi.tolist() == [0, 1, 2, 3]


def test_a_caiman_result_without_dff_gets_its_own(tmp_path):
    # Each footprint covers its own 5 pixels with weight 0.4; the background adds 60 to each pixel.
    footprints = np.kron(np.eye(4), np.full((5, 1), 0.4))
    a = csc_array(footprints)
    sparse = {"A/data": a.data, "A/indices": a.indices, "A/indptr": a.indptr, "A/shape": np.array(a.shape)}
    # In pixels the cell at rest adds 0.4 · 100 = 40 to the background's 60: dF/F = 0.4 (C - 100) / 100.
    c = 100 + 250 * transients()
    residual = 250 * (noisy() - transients())
    background = {"b": np.full((20, 1), 60.0), "f": np.ones((1, 1500))}
    path = caiman(tmp_path / "b.hdf5", F_dff=None, C=c, YrA=residual, idx_components=None, **sparse, **background)
    dff = groundtrace.load_traces(path).dff
    active = transients() > 0.1
    assert dff[active].mean() == pytest.approx(transients()[active].mean(), rel=0.15)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groundtrace.infer_spikes(groundtrace.load_traces(path), indicator="GCaMP6f", method="oasis")


def test_a_caiman_result_without_background_is_refused(tmp_path):
    path = caiman(tmp_path / "c.hdf5", F_dff=None, C=transients(), YrA=transients(), b=None)
    with pytest.raises(InputError, match=r"missing: b, f, A/data.*detrend_df_f"):
        groundtrace.load_traces(path)
    (tmp_path / "d.hdf5").write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        groundtrace.load_traces(tmp_path / "d.hdf5")
