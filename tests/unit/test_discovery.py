"""A sheet proposed for a NeuroBlueprint tree can be read once the indicator is filled in."""

import numpy as np
import pytest

from groundtrace.adopted.formats import RESULTS
from groundtrace.discovery import propose_sheet
from groundtrace.errors import InputError
from groundtrace.sheet import read_sheet
from tests.unit.adopted.results import allen, caiman, extract, minian, nwb, suite2p


def test_sessions_are_found_in_natural_order_and_imaging_only(tmp_path):
    for subject in ("sub-002_id-M2", "sub-010"):
        folder = tmp_path / "rawdata" / subject / "ses-001_date-20260301"
        for name in ("funcimg/run_10.tif", "funcimg/run_2.tif", "behav/camera.tif"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
    (tmp_path / "rawdata/sub-010/ses-002/behav").mkdir(parents=True)
    sheet = propose_sheet(tmp_path)
    assert [line.split("\t")[:3] for line in sheet.splitlines()[1:]] == [
        ["002", "001", "20260301"],
        ["010", "001", "20260301"],
    ]
    first = sheet.splitlines()[1]
    assert first.index("run_2.tif") < first.index("run_10.tif")
    assert "camera" not in sheet


def test_a_proposed_sheet_is_valid_once_filled_in(tmp_path):
    folder = tmp_path / "sub-1/ses-1"
    folder.mkdir(parents=True)
    np.save(folder / "movie.npy", np.zeros((3, 4, 4), np.int16))
    header, row = propose_sheet(tmp_path).splitlines()
    cells = dict(zip(header.split("\t"), row.split("\t"), strict=True)) | {"indicator": "GCaMP6f", "frame_rate": "30"}
    (tmp_path / "sheet.tsv").write_text("\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n")
    assert list(read_sheet(tmp_path / "sheet.tsv").sessions) == ["sub-1/ses-1"]


def test_a_tree_without_sessions_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no folder sub-\*/ses-\*"):
        propose_sheet(tmp_path)


def test_results_of_suite2p_are_a_start_where_there_is_no_movie(tmp_path):
    for plane in ("plane0", "plane1"):
        folder = tmp_path / f"sub-a/ses-1/suite2p/{plane}"
        folder.mkdir(parents=True)
        for name in ("F.npy", "stat.npy", "ops.npy"):
            (folder / name).touch()
    header, row = (line.split("\t") for line in propose_sheet(tmp_path).splitlines())
    found = dict(zip(header, row, strict=True))
    planes = [f"{tmp_path}/sub-a/ses-1/suite2p/plane{k}" for k in (0, 1)]
    assert (found["path"], found["format"], found["planes"]) == ("; ".join(planes), "suite2p_rois", "2")
    (tmp_path / "sub-a/ses-1/movie.tif").touch()
    assert f"\t{tmp_path}/sub-a/ses-1/movie.tif\t\t" in propose_sheet(tmp_path)


def test_results_beside_the_raw_data_of_their_session_are_no_second_row(tmp_path):
    results, raw = tmp_path / "derivatives/sub-a/ses-1/suite2p/plane0", tmp_path / "rawdata/sub-a/ses-1/funcimg"
    for folder, names in (results, ("F.npy", "stat.npy")), (raw, ("movie.tif",)):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
    (row,) = propose_sheet(tmp_path).splitlines()[1:]
    assert f"{raw}/movie.tif" in row


@pytest.mark.parametrize(
    ("make", "name", "format"),
    [
        (suite2p, "suite2p/plane0", "suite2p_rois"),
        (caiman, "results.hdf5", "caiman_rois"),
        (nwb, "a_ophys.nwb", "nwb_rois"),
        (allen, "501498760.nwb", "nwb_rois"),
        (extract, "output.mat", "extract_rois"),
        (minian, "minian", "minian_rois"),
    ],
)
def test_results_of_every_pipeline_are_a_start_where_there_is_no_movie(make, name, format, tmp_path):
    """They are no movies, though HDF5 and Zarr may hold some."""
    folder = tmp_path / "sub-a/ses-1/funcimg"
    folder.mkdir(parents=True)
    made = make(folder / name)
    header, row = (line.split("\t") for line in propose_sheet(tmp_path).splitlines())
    found = dict(zip(header, row, strict=True))
    assert (found["path"], found["format"], found["planes"]) == (str(made), format, "1")
    assert format in RESULTS
    np.save(folder / "movie.npy", np.zeros((3, 4, 4), np.int16))
    assert f"\t{folder}/movie.npy\t\t" in propose_sheet(tmp_path)
