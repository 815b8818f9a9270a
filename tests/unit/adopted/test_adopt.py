"""Sessions that start from the ROIs and traces of another pipeline."""
# ruff: noqa: E501 (messages stand as a user sees them)

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from pynwb import NWBHDF5IO, NWBFile, ophys
from roiextractors import ExtractSegmentationExtractor, MinianSegmentationExtractor

import groundtrace
from groundtrace.adopted.adopt import Taken, adopt
from groundtrace.errors import InputError
from groundtrace.extraction.tables import ExtractionQuality, Fluorescence, Rois
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.sessions import Session
from groundtrace.tables import stack, validate
from groundtrace.traces.dff import DffParameters, compute_dff
from groundtrace.traces.steps import compute_traces
from tests.unit.adopted.results import (
    ACCEPTED,
    ACTIVE,
    DFF,
    FIELD,
    FRAMES,
    LIGHT,
    MEAN,
    NEUROPIL,
    RATE,
    ROIS,
    SHIFTS,
    allen,
    caiman,
    extract,
    minian,
    nwb,
    suite2p,
    visual_behavior,
)
from tests.unit.extraction.scenes import iou

WHOLE: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "Suite2p 0.x": ("suite2p_rois", lambda folder: suite2p(folder / "plane0")),
    "Suite2p 1.x": ("suite2p_rois", lambda folder: suite2p(folder / "plane0", 1)),
    "NWB": ("nwb_rois", lambda folder: nwb(folder / "a.nwb")),
    "NWB (ROI, time)": ("nwb_rois", lambda folder: nwb(folder / "a.nwb", time_first=False)),
    "Allen": ("nwb_rois", lambda folder: allen(folder / "a.nwb")),
    "Allen Visual Behavior": ("nwb_rois", lambda folder: visual_behavior(folder / "a.nwb")),
    "CaImAn": ("caiman_rois", lambda folder: caiman(folder / "a.hdf5")),
    "EXTRACT": ("extract_rois", lambda folder: extract(folder / "a.mat")),
    "Minian": ("minian_rois", lambda folder: minian(folder / "minian")),
}
NO_VERDICT = ("Allen", "Minian")
BACKGROUND = np.array([[4 * w.max() * w.sum() / (w**2).sum()] for *_, w in ROIS], np.float32)
"""Minian's b f, 4 everywhere, projected onto the footprints."""
OWN_LIGHT = {"CaImAn": None, "EXTRACT": (1 + DFF, 0 * DFF), "Minian": (LIGHT + BACKGROUND, 0 * LIGHT)}
"""F and Fneu of those that have no light with its neuropil."""


def session(format: str, **changes: Any) -> Session:
    values = {"subject": "a", "session": "1", "path": "given to adopt", "format": format, "indicator": "GCaMP6s"}
    return Session.model_validate(values | changes)


def taken(format: str, *paths: Path, plane: int = 0, **changes: Any) -> Taken:
    return adopt(session(format, **changes), paths, plane)


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_taken_is_what_every_later_step_reads(case, tmp_path):
    format, make = WHOLE[case]
    found = taken(format, make(tmp_path), **({"frame_rate": RATE} if case == "EXTRACT" else {}))
    validate(Frames, found.frames)
    validate(RawQuality, found.raw_quality)
    validate(Shifts, found.shifts)
    validate(MotionQuality, found.motion_quality)
    validate(ExtractionQuality, found.extraction_quality)
    rois, light = validate(Rois, found.rois), validate(Fluorescence, found.fluorescence)
    assert found.acquisition.shape == (FRAMES, *FIELD)
    assert found.acquisition.frame_rate == pytest.approx(RATE)
    assert rois["accepted"].to_list() == ([True] * 3 if case in NO_VERDICT else ACCEPTED.tolist())
    for y, x, wanted in zip(rois["pixel_y"], rois["pixel_x"], ROIS, strict=True):
        assert iou((y.to_numpy(), x.to_numpy(), wanted[2]), wanted) == 1
    if wanted := OWN_LIGHT.get(case, (LIGHT, NEUROPIL)):
        np.testing.assert_allclose(stack(light["fluorescence"]), wanted[0], rtol=1e-6)
        np.testing.assert_array_equal(stack(light["neuropil"]), wanted[1])
    assert found.images["mean"].shape == FIELD
    bad = found.shifts["bad"].to_numpy()
    traces, _ = compute_traces(light, rois, found.acquisition, found.raw_images["saturated"], bad, DffParameters())
    for dff, active in zip(stack(traces["dff"]), ACTIVE, strict=True):
        known = np.isfinite(dff)
        assert known.sum() == (~bad).sum()
        assert np.corrcoef(dff[known], active[known])[0, 1] > 0.98


@pytest.mark.parametrize("version", [0, 1])
def test_suite2p_tells_shifts_bad_frames_images_and_its_verdict(version, tmp_path):
    found = taken("suite2p_rois", suite2p(tmp_path / "plane0", version))
    np.testing.assert_array_equal(found.shifts.select("y", "x").to_numpy().T, SHIFTS)
    assert found.shifts.filter("bad")["frame"].to_list() == [0, 1, 2]
    assert set(found.shifts.filter("bad")["reason"]) == {"left out by the other pipeline"}
    np.testing.assert_array_equal(found.images["mean"], MEAN)
    np.testing.assert_array_equal(found.images["maximum"][2:38, 3:53], MEAN[2:38, 3:53] + 1)
    assert found.rois["classifier_probability"].to_list() == pytest.approx([0.9, 0.1, 0.8])
    assert found.rois["reason"].to_list() == ["", "refused by the other pipeline", ""]
    assert found.rois["origin"].to_list() == ["plane0: ROI 0", "plane0: ROI 1", "plane0: ROI 2"]
    assert found.acquisition.adopted == "Suite2p"


def test_only_dff_is_taken_as_light_over_one_and_said(tmp_path):
    found = taken("nwb_rois", nwb(tmp_path / "a.nwb", container="DfOverF", verdict=False))
    np.testing.assert_array_equal(stack(found.fluorescence["fluorescence"]), 1 + DFF)
    assert "only dF/F is in it" in found.extraction_quality["notes"][0]
    assert found.rois["accepted"].all()


def test_where_there_is_no_neuropil_it_is_said(tmp_path):
    found = taken("caiman_rois", caiman(tmp_path / "a.hdf5"))
    assert (stack(found.fluorescence["neuropil"]) == 0).all()
    assert "no neuropil beside it" in found.extraction_quality["notes"][0]


def test_each_plane_has_its_entry(tmp_path):
    planes = [suite2p(tmp_path / "plane0"), suite2p(tmp_path / "plane1", fs=5.0)]
    assert taken("suite2p_rois", *planes, planes=2, plane=1).acquisition.frame_rate == 5
    with pytest.raises(InputError, match="is the result of one plane, and the sheet says planes 2"):
        taken("suite2p_rois", planes[0], planes=2)
    with pytest.raises(InputError, match="2 results for planes 3; write one for each plane"):
        taken("suite2p_rois", *planes, planes=3)


def test_the_frame_rate_of_the_sheet_counts(tmp_path):
    assert taken("suite2p_rois", suite2p(tmp_path / "plane0"), frame_rate=12.5).acquisition.frame_rate == 12.5


def test_load_traces_reads_the_same_files(tmp_path):
    traces = groundtrace.load_traces(nwb(tmp_path / "a.nwb"))
    assert traces.roi.tolist() == [0, 2]
    assert traces.frame_rate == pytest.approx(RATE)
    wanted = compute_dff(LIGHT, NEUROPIL, traces.frame_rate, 0.0, DffParameters()).dff[[0, 2]]
    np.testing.assert_array_equal(traces.dff, wanted)


def test_load_traces_reads_extract_and_minian(tmp_path):
    of_extract = groundtrace.load_traces(extract(tmp_path / "a.mat"), frame_rate=RATE)
    assert of_extract.roi.tolist() == [0, 2]
    np.testing.assert_array_equal(of_extract.dff, DFF[[0, 2]])
    of_minian = groundtrace.load_traces(minian(tmp_path / "minian"))
    assert of_minian.frame_rate == pytest.approx(RATE)
    for dff, active in zip(of_minian.dff, ACTIVE, strict=True):
        assert np.corrcoef(dff, active)[0, 1] > 0.98


def test_roiextractors_reads_the_same_of_extract_and_minian(tmp_path):
    """It reads Minian's denoised C, where we read the measured YrA."""
    theirs = ExtractSegmentationExtractor(extract(tmp_path / "a.mat"), sampling_frequency=RATE)
    with_masks(theirs, taken("extract_rois", tmp_path / "a.mat", frame_rate=RATE))
    np.testing.assert_array_equal(np.asarray(theirs.get_traces(name="dff")).T, DFF)
    theirs = MinianSegmentationExtractor(minian(tmp_path / "minian"))
    with_masks(theirs, taken("minian_rois", tmp_path / "minian"))
    np.testing.assert_allclose(theirs.get_native_timestamps(), 0.05 + np.arange(FRAMES) / RATE)


def with_masks(theirs: Any, ours: Taken) -> None:
    """Compare the pixels of ROIs."""
    for k, (y, x) in enumerate(ours.rois.select("pixel_y", "pixel_x").iter_rows()):
        image = np.asarray(theirs.get_roi_image_masks(roi_ids=[k])).squeeze()
        mask = np.zeros(FIELD, bool)
        mask[y, x] = True
        np.testing.assert_array_equal(image > 0.2 * image.max(), mask)


def test_times_of_minian_are_those_of_its_stamps(tmp_path):
    folder = minian(tmp_path / "minian")
    lines = (folder / "timeStamps.csv").read_text().splitlines()
    late = [f"{k},{50 + 1000 * k / RATE + (700 if k > 200 else 0):g},0" for k in range(FRAMES)]
    (folder / "timeStamps.csv").write_text("\n".join([lines[0], *late]))
    found = taken("minian_rois", folder)
    frames, notes = found.frames, "\n".join(found.extraction_quality["notes"])
    assert "its time stamps have 1 gap, of 0.7 s together; align other signals by the column `time`" in notes
    assert frames["time"].to_numpy()[[0, 200, 201]] == pytest.approx([0, 20, 20.8])
    assert frames["segment"].to_numpy()[[200, 201]].tolist() == [0, 1]


@pytest.mark.parametrize("masks", ["image_mask", "pixel_mask"])
def test_what_pynwb_writes_is_read(masks, tmp_path):
    """Two planes, each with its own segmentation and series of fluorescence, neuropil, deconvolved traces and dF/F."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    file = NWBFile(session_description="a", identifier="b", session_start_time=start)
    device = file.create_device("microscope")
    channel = ophys.OpticalChannel(name="green", description="green", emission_lambda=520.0)
    segmentation = ophys.ImageSegmentation(name="segmentation")
    module = file.create_processing_module("ophys", "optical physiology")
    module.add(segmentation)
    for plane in (0, 1):
        imaging = file.create_imaging_plane(
            name=f"imaging{plane}",
            optical_channel=channel,
            description="a plane",
            device=device,
            excitation_lambda=920.0,
            indicator="GCaMP6s",
            location="V1",
            imaging_rate=RATE,
        )
        table = segmentation.create_plane_segmentation(f"ROIs of plane {plane}", imaging, f"plane{plane}")
        for y, x, w in ROIS:
            mask = np.zeros(FIELD[::-1], np.float32)
            mask[x, y] = w
            pixels = list(zip(x.tolist(), y.tolist(), w.tolist(), strict=True))
            table.add_roi(**{masks: mask if masks == "image_mask" else pixels})
        table.add_column("iscell", "verdict and probability", data=np.column_stack([ACCEPTED, [0.9, 0.1, 0.8]]))
        # In another order than the table's.
        region = table.create_roi_table_region(region=[2, 1, 0], description="all")
        kinds = {"raw": LIGHT, "Neuropil": NEUROPIL, "Deconvolved": LIGHT, "dff": DFF}
        for name, values in kinds.items():
            container = (ophys.DfOverF if name == "dff" else ophys.Fluorescence)(name=f"{name}{plane}")
            module.add(container)
            data = values[::-1].T + plane
            container.create_roi_response_series(name="traces", data=data, rois=region, unit="n.a.", rate=RATE)
    with NWBHDF5IO(tmp_path / "a.nwb", "w") as handle:
        handle.write(file)
    for plane in (0, 1):
        found = taken("nwb_rois", tmp_path / "a.nwb", planes=2, plane=plane)
        np.testing.assert_array_equal(stack(found.fluorescence["fluorescence"]), LIGHT[::-1] + plane)
        np.testing.assert_array_equal(stack(found.fluorescence["neuropil"]), NEUROPIL[::-1] + plane)
        assert found.rois["accepted"].to_list() == ACCEPTED[::-1].tolist()
        assert found.rois["origin"].to_list() == ["a.nwb: roi 2", "a.nwb: roi 1", "a.nwb: roi 0"]
        assert found.rois["centroid_y"].to_list() == pytest.approx([30, 25, 12])
        assert found.rois["centroid_x"].to_list() == pytest.approx([12, 40, 15])
        assert found.acquisition.frame_rate == RATE


# What cannot be taken.


def suite2p_with(**arrays: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        plane = suite2p(folder / "plane0")
        for name, values in arrays.items():
            (plane / f"{name}.npy").unlink()
            if values is not None:
                np.save(plane / f"{name}.npy", values, allow_pickle=True)
        return plane

    return make


def nwb_with(change: Callable[[h5py.File], None], **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = nwb(folder / "a.nwb", **options)
        with h5py.File(path, "a") as file:
            change(file)
        return path

    return make


def drop(*names: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        for name in names:
            del file[name]

    return change


def per_cent(file: h5py.File) -> None:
    file["processing/ophys/some_c/traces/data"][...] *= 100


def two_of_light(file: h5py.File) -> None:
    file.copy("processing/ophys/some_a", "processing/ophys/more")


def other_count(file: h5py.File) -> None:
    del file["processing/ophys/some_a/traces/data"]
    file["processing/ophys/some_a/traces/data"] = np.zeros((7, 9))


def text(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text("text")
        return folder / name

    return make


def sparse(folder: Path) -> Path:
    return extract(folder / "a.mat", **{"spatial_weights": None, "spatial_weights/ir": np.zeros(1)})


def outside(folder: Path) -> Path:
    stat = np.array([{"ypix": y + 30, "xpix": x, "lam": w} for y, x, w in ROIS], object)
    return suite2p_with(stat=stat)(folder)


BAD: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "no plane folder": (
        "suite2p_rois",
        lambda folder: suite2p(folder / "suite2p/plane0").parent,
        "is no Suite2p plane folder, it has no F.npy; there are planes in it: ",
    ),
    "other neuropil": (
        "suite2p_rois",
        suite2p_with(Fneu=np.zeros((3, 9))),
        "F.npy has shape (3, 400), Fneu.npy (3, 9); both must be (n_rois, n_frames): run Suite2p's extraction again",
    ),
    "other verdicts": ("suite2p_rois", suite2p_with(iscell=np.zeros((2, 2))), "iscell.npy: 2 ROIs, F.npy has 3"),
    "no stat": (
        "suite2p_rois",
        suite2p_with(stat=None),
        "stat.npy: is missing, so that the pixels of the ROIs are not known; copy it there",
    ),
    "other stat": (
        "suite2p_rois",
        suite2p_with(stat=np.array([{"ypix": [1], "xpix": [1], "lam": [1.0]}], object)),
        "stat.npy: 1 ROIs, F.npy has 3; run Suite2p's extraction again",
    ),
    "stat of something else": (
        "suite2p_rois",
        suite2p_with(stat=np.array([{"a": 1}] * 3, object)),
        "stat.npy: ROI 0 has no ypix, xpix, lam; run Suite2p's extraction again",
    ),
    "ROIs outside the field": ("suite2p_rois", outside, "ROI 0 has no pixel, or some outside of 40 x 56 px"),
    "no size": (
        "suite2p_rois",
        suite2p_with(ops=np.array({"fs": 10.0}, object)),
        "no frame size (Ly, Lx) in its ops.npy, db.npy or reg_outputs.npy; copy them there",
    ),
    "no rate": (
        "suite2p_rois",
        suite2p_with(ops=np.array({"Ly": 40, "Lx": 56}, object)),
        "has no frame rate, and the sheet none for sub-a ses-1; fill the column frame_rate (Hz)",
    ),
    "a rate below zero": (
        "suite2p_rois",
        lambda folder: suite2p(folder / "plane0", fs=-30.0),
        "its frame rate is -30 Hz; fill the column frame_rate (Hz), which counts instead",
    ),
    "a rate that is no number": (
        "suite2p_rois",
        lambda folder: suite2p(folder / "plane0", fs=np.nan),
        "its frame rate is nan Hz; fill the column frame_rate (Hz)",
    ),
    "a pickle in place of traces": (
        "suite2p_rois",
        suite2p_with(F=np.array([{"a": 1}], object)),
        "F.npy: cannot be read as an array (Object arrays cannot be loaded when allow_pickle=False)",
    ),
    "one frame": (
        "suite2p_rois",
        suite2p_with(F=LIGHT[:, :1], Fneu=NEUROPIL[:, :1]),
        "its traces have 1 frame(s); check the column path",
    ),
    "no ROI": (
        "suite2p_rois",
        suite2p_with(F=LIGHT[:0], Fneu=NEUROPIL[:0], iscell=np.zeros((0, 2)), stat=np.array([], object)),
        "holds no ROI; check the column path, or start from the movie",
    ),
    "no HDF5": ("caiman_rois", text("a.hdf5"), "a.hdf5: cannot be read as HDF5 ("),
    "no CaImAn": (
        "caiman_rois",
        lambda folder: nwb(folder / "a.hdf5"),
        "no group estimates: not a CaImAn result; save it with cnm.save('...hdf5')",
    ),
    "no background": (
        "caiman_rois",
        lambda folder: caiman(folder / "a.hdf5", b=None),
        "neither F_dff nor all of C, YrA, A, b, f (missing: b), and without the background there is no dF/F",
    ),
    "a volume": (
        "caiman_rois",
        lambda folder: caiman(folder / "a.hdf5", dims=np.array([4, 10, 56])),
        "has no frame size (dims) of two sides that agrees with 2240 pixels",
    ),
    "every trace NaN": (
        "caiman_rois",
        lambda folder: caiman(folder / "a.hdf5", C=np.full((3, FRAMES), np.nan)),
        "every trace has NaN or infinite values, such as that of component 0, component 1, component 2",
    ),
    "no series": (
        "nwb_rois",
        nwb_with(drop("processing/ophys/some_a", "processing/ophys/some_b_neuropil")),
        "has no RoiResponseSeries of fluorescence or in a DfOverF for the ROIs of /processing/ophys/seg/plane; there are none",
    ),
    "no segmentation": ("nwb_rois", nwb_with(drop("processing/ophys/seg")), "has no PlaneSegmentation"),
    "two that may be F": (
        "nwb_rois",
        nwb_with(two_of_light),
        "has 2 RoiResponseSeries that may be fluorescence (/processing/ophys/more/traces, /processing/ophys/some_a/traces); keep one",
    ),
    "neither axis is ROIs": (
        "nwb_rois",
        nwb_with(other_count),
        "/processing/ophys/some_a/traces/data has shape (7, 9), and there are 3 ROIs; export it again",
    ),
    "no MATLAB 7.3": (
        "extract_rois",
        text("a.mat"),
        "a.mat: cannot be read as a MATLAB 7.3 file (",
    ),
    "no EXTRACT": (
        "extract_rois",
        lambda folder: caiman(folder / "a.mat"),
        "has no struct output with spatial_weights and temporal_weights; save EXTRACT's output with save('…', 'output', '-v7.3')",
    ),
    "sparse weights": (
        "extract_rois",
        sparse,
        "output.spatial_weights is sparse, which h5py cannot read; write full(…) of it before saving",
    ),
    "no dF/F of EXTRACT": (
        "extract_rois",
        lambda folder: extract(folder / "a.mat", **{"config/preprocess": np.zeros((1, 1))}),
        "was made with config.preprocess = 0, so that its traces are no dF/F; run EXTRACT with preprocess = 1",
    ),
    "other count of EXTRACT": (
        "extract_rois",
        lambda folder: extract(folder / "a.mat", temporal_weights=DFF[:2]),
        "2 traces for 3 ROIs; run EXTRACT again",
    ),
    "no rate of EXTRACT": (
        "extract_rois",
        lambda folder: extract(folder / "a.mat"),
        "has no frame rate, and the sheet none for sub-a ses-1; fill the column frame_rate (Hz)",
    ),
    "no Minian": (
        "minian_rois",
        lambda folder: suite2p(folder / "a"),
        "has no A.zarr of axes unit_id, height, width: no result of Minian",
    ),
    "Minian without measured traces": (
        "minian_rois",
        lambda folder: minian(folder / "a", YrA=None),
        "has no measured traces, YrA.zarr, and neither dF/F nor noise can be told from the denoised C",
    ),
    "Minian of two runs": (
        "minian_rois",
        lambda folder: minian(folder / "a", YrA=(LIGHT, {"unit_id": np.arange(3), "frame": np.arange(FRAMES)})),
        "YrA has no trace of unit 3, which is in A; save both of one run",
    ),
    "Minian without times": (
        "minian_rois",
        lambda folder: minian(folder / "a", stamps=False),
        "has no frame rate, and the sheet none for sub-a ses-1; fill the column frame_rate (Hz)",
    ),
    "per cent": (
        "nwb_rois",
        nwb_with(per_cent, container="DfOverF"),
        "as per cent does; write it as a fraction (0.5 for 50 %)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_taken_is_refused(case, tmp_path):
    format, make, message = BAD[case]
    with pytest.raises(InputError) as refused:
        taken(format, make(tmp_path))
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path))


def test_a_roi_without_a_trace_is_left_out_and_said(tmp_path):
    light = LIGHT.copy()
    light[1, 5] = np.nan
    found = taken("suite2p_rois", suite2p_with(F=light)(tmp_path))
    assert found.rois["origin"].to_list() == ["plane0: ROI 0", "plane0: ROI 2"]
    assert found.rois["roi"].to_list() == [0, 1]
    assert (
        "1 of its ROIs (ROI 1) have no pixel with a weight, or a trace with NaN" in found.extraction_quality["notes"][0]
    )
    assert isinstance(found.rois, pl.DataFrame)


def test_a_roi_without_weights_is_left_out_and_said(tmp_path):
    stat = [{"ypix": y, "xpix": x, "lam": w} for y, x, w in ROIS]
    stat[0]["lam"], stat[2]["lam"] = np.full(len(ROIS[0][2]), np.nan), -ROIS[2][2]
    found = taken("suite2p_rois", suite2p_with(stat=np.array(stat, object))(tmp_path))
    assert found.rois["origin"].to_list() == ["plane0: ROI 1"]
    assert "2 of its ROIs (ROI 0, ROI 2) have no pixel with a weight" in found.extraction_quality["notes"][0]


def test_frames_without_a_value_are_bad(tmp_path):
    light = LIGHT.copy()
    light[:, 30:34] = np.nan
    found = taken("suite2p_rois", suite2p_with(F=light)(tmp_path))
    assert found.shifts.filter("bad")["frame"].to_list() == [0, 1, 2, 30, 31, 32, 33]
    assert found.rois.height == 3
    filled = stack(found.fluorescence["fluorescence"])
    np.testing.assert_array_equal(np.delete(filled, np.s_[30:34], axis=1), np.delete(LIGHT, np.s_[30:34], axis=1))
    assert np.isfinite(filled).all()


def test_of_as_many_frames_as_rois_the_schema_tells_the_axes(tmp_path):
    """(time, ROI); nothing else tells."""

    def square(file: h5py.File) -> None:
        for name in ("some_a", "some_b_neuropil"):
            series = file[f"processing/ophys/{name}/traces"]
            del series["data"], series["timestamps"]
            series["data"] = LIGHT[:, :3]
            series["starting_time"] = 0.0
            series["starting_time"].attrs["rate"] = RATE

    found = taken("nwb_rois", nwb_with(square)(tmp_path))
    np.testing.assert_array_equal(stack(found.fluorescence["fluorescence"]), LIGHT[:, :3].T)


@pytest.mark.parametrize(("frames_per_file", "borders"), [([150, 250], [150]), ([1] * FRAMES, []), ([7, 9], [])])
def test_borders_of_files_are_those_of_suite2p(frames_per_file, borders, tmp_path):
    """Not of single images, nor of another recording."""
    found = taken("suite2p_rois", suite2p(tmp_path / "plane0", frames_per_file=np.array(frames_per_file)))
    assert (np.flatnonzero(np.diff(found.frames["segment"])) + 1).tolist() == borders


def test_the_offset_of_an_nwb_file_is_what_its_series_add(tmp_path):
    """Light above zero photons is what the file says it is, whatever the neuropil's own offset."""

    def shifted(file: h5py.File) -> None:
        for name, offset in (("some_a", -20.0), ("some_b_neuropil", -30.0)):
            data = file[f"processing/ophys/{name}/traces/data"]
            data.attrs["offset"], data.attrs["conversion"] = offset, 2.0

    found = taken("nwb_rois", nwb_with(shifted)(tmp_path))
    assert found.acquisition.offset == 20
    np.testing.assert_array_equal(stack(found.fluorescence["fluorescence"]), 2 * LIGHT)
    np.testing.assert_array_equal(stack(found.fluorescence["neuropil"]), 2 * NEUROPIL - 10)


def test_time_stamps_that_do_not_increase_are_said(tmp_path):
    def back(file: h5py.File) -> None:
        file["processing/ophys/some_a/traces/timestamps"][7] = 0

    found = taken("nwb_rois", nwb_with(back)(tmp_path))
    assert "time stamps of its frames do not increase" in found.extraction_quality["notes"][0]
    np.testing.assert_allclose(found.frames["time"], np.arange(FRAMES) / RATE)
    assert found.frames["segment"].max() == 0
