"""The file of stimuli: what a right one means in every format, and what a wrong one says."""

import re
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
import tifffile
from PIL import Image

from groundtrace.errors import InputError
from groundtrace.responses.conditions import with_conditions
from groundtrace.responses.images import check_known, image_ids
from groundtrace.responses.presentations import read_stimuli

TIME = np.arange(3000) / 30
RIGHT = "start_time,stop_time,stimulus,image\n1,1.25,scenes,3\n2,2.25,scenes,\n3,3.25,scenes,3\n"

WRONG = {
    "empty": ("", "s.csv: cannot be read"),
    "no row": ("start_time,stop_time\n", "s.csv: has no presentation"),
    "misspelt column": ("start_tme,stop_time\n1,2\n", "s.csv: has no column start_time; did you mean 'start_tme'?"),
    "no times": ("onset,image\n1,2\n", "s.csv: has no column start_time; there are onset, image; give a table"),
    "times and frames": (
        "start_time,stop_time,start_frame,stop_frame\n1,2,30,60\n",
        "s.csv: has times and frames of each presentation; keep start_time and stop_time, or the others",
    ),
    "no number": (
        "start_time,stop_time\n1,2\n3 s,4\n",
        "s.csv: start_time of 1 presentations is no number (the first is number 2, '3 s'); write seconds",
    ),
    "empty cell": (
        "start_time,stop_time\n1,2\n3,\n",
        "s.csv: stop_time of 1 presentations is empty (the first is number 2); write seconds",
    ),
    "seconds called frames": (
        "start_frame,stop_frame\n30.5,40\n",
        "s.csv: start_frame 30.5 is no whole frame; if these are seconds, name the columns start_time and stop_time",
    ),
    "stop before start": (
        "start_time,stop_time\n1,2\n4,3\n",
        "s.csv: 1 of 2 presentations stop before they start, or have no length (the first is number 2, 4 to 3 s)",
    ),
    "overlap": (
        "start_time,stop_time\n1,2\n1.5,3\n4,5\n",
        "s.csv: 1 of 3 presentations overlap with the next (the first is number 1, 1 to 2 s)",
    ),
    "outside": (
        "start_time,stop_time\n1,2\n99,100.5\n200.5,2e6\n",
        "s.csv: 2 of 3 presentations lie outside the recording (the first is number 2, 99 to 100.5 s), which lasts "
        "100 s; correct them",
    ),
    "before the recording": ("start_time,stop_time\n-1,2\n", "1 of 1 presentations lie outside the recording"),
    "frames called seconds": (
        "start_time,stop_time\n30,45\n2000,2015\n",
        "lasts 100 s; they look like frames: if they are, name the columns start_frame and stop_frame",
    ),
    "milliseconds": (
        "start_time,stop_time\n1000.5,1250\n90000,90250\n",
        "lasts 100 s; they look like milliseconds: write seconds since the first frame",
    ),
    "frame outside": (
        "start_frame,stop_frame\n10,20\n2990,3001\n",
        "1 of 2 presentations lie outside the recording (the first is number 2, frame 2990 to 3001), which has 3000",
    ),
    "nothing twice": (
        "start_time,stop_time,image\n1,2,a\n3,4,b\n",
        "s.csv: nothing is shown twice: 2 presentations differ in stimulus, image; how reliable a response is",
    ),
}


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("s.csv")


def presented(path: Path, wanted: tuple[str, ...] | None = None) -> pl.DataFrame:
    return with_conditions(read_stimuli(path).timed(TIME, 30.0), wanted, path)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name, file):
    text, said = WRONG[name]
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(said)):
        presented(file)


def test_files_that_are_not_there_or_not_read(file, tmp_path):
    for name, said in (
        ("none.csv", "'none.csv' does not exist; give a table"),
        ("s.xlsx", "s.xlsx: .xlsx is not read"),
    ):
        (tmp_path / "s.xlsx").write_text("x")
        with pytest.raises(InputError, match=re.escape(said)):
            read_stimuli(name)
    (tmp_path / "s.parquet").write_text("x")
    with pytest.raises(InputError, match=r"s\.parquet: cannot be read"):
        read_stimuli("s.parquet")
    (tmp_path / "s.nwb").write_text("x")
    with pytest.raises(InputError, match=r"s\.nwb: cannot be read as HDF5"):
        read_stimuli("s.nwb")
    with h5py.File("s.nwb", "w") as nwb:
        nwb.create_dataset("intervals/trials/start_time", data=[1.0])
    with pytest.raises(InputError, match=r"s\.nwb: has no presentations"):
        read_stimuli("s.nwb")


def test_the_same_table_in_every_format(file):
    file.write_text(RIGHT)
    found = presented(file)
    Path("s.tsv").write_text(RIGHT.replace(",", "\t"))
    pl.read_csv(file).write_parquet("s.parquet")
    with h5py.File("s.nwb", "w") as nwb:
        rows = nwb.create_group("intervals/scenes_presentations")
        for name, values in {"start_time": [1.0, 2, 3], "stop_time": [1.25, 2.25, 3.25], "frame": [3.0, -1, 3]}.items():
            rows[name] = values
        rows["tags"] = np.zeros(5)
        rows["tags_index"] = np.arange(3)
        nwb.create_dataset("intervals/epochs/start_time", data=[0.0])
    for name in ("s.tsv", "s.parquet"):
        assert presented(Path(name)).equals(found), name
    assert presented(Path("s.nwb")).select(found.columns).equals(found)
    assert found["image"].to_list() == ["3", None, "3"]
    assert found["condition"].to_list() == [0, None, 0]
    assert found["repeat"].to_list() == [0, None, 1]
    assert found["start_frame"].to_list() == [30, 60, 90]
    assert found["stop_frame"].to_list() == [38, 68, 98]


def test_frames_are_those_of_the_recordings_clock(file):
    file.write_text("start_frame,stop_frame\n30,60\n90,3000\n")
    paused = TIME + np.where(TIME >= 2, 5, 0)
    found = read_stimuli(file).timed(paused, 30.0)
    assert found["start_time"].to_list() == pytest.approx([1.0, 8.0])
    assert found["stop_time"].to_list() == pytest.approx([7.0, 105.0])
    assert found["stop_frame"].to_list() == [60, 3000]


def test_presentations_that_agree_in_what_was_shown_are_repeats(file):
    start = np.arange(1, 61.0)
    table = pl.DataFrame(
        {
            "start_time": start,
            "stop_time": start + 0.5,
            "orientation": [0.0, 45.0, 90.0, None] * 15,
            "trial": np.arange(60) // 4,
            "speed": np.random.default_rng(0).normal(0, 1, 60),
            "mouse": ["a"] * 60,
            "condition": ["early"] * 60,
        },
        strict=False,
    )
    table.write_parquet("s.parquet")
    found = presented(Path("s.parquet"))
    assert found["condition"].to_list()[:5] == [0, 1, 2, None, 0]
    assert found["repeat"].max() == 14
    assert found["condition_given"].to_list() == ["early"] * 60
    assert found["speed"].null_count() == 0
    by_trial = presented(Path("s.parquet"), ("trial",))
    assert by_trial["condition"].to_list() == (np.arange(60) // 4).tolist()
    with pytest.raises(InputError, match=r"responses.conditions: the stimuli have no column 'orientatoin'; did"):
        presented(Path("s.parquet"), ("orientatoin",))


def test_rows_may_stand_in_any_order_and_images_sort_by_number(file):
    file.write_text("start_time,stop_time,image\n7,8,10\n1,2,9\n3,4,10\n5,6,9\n")
    found = presented(file)
    assert found["image"].to_list() == ["9", "10", "9", "10"]
    assert found["condition"].to_list() == [0, 1, 0, 1]


def test_ids_of_images_are_positions_or_names_of_files(tmp_path):
    stack = np.zeros((4, 6, 5), np.uint8)
    np.save(tmp_path / "a.npy", stack)
    np.savez(tmp_path / "a.npz", stack)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    with h5py.File(tmp_path / "a.nwb", "w") as nwb:
        nwb["stimulus/templates/scenes/data"] = stack
    for name in ("a.npy", "a.npz", "a.tif", "a.nwb"):
        assert image_ids(tmp_path / name) == ["0", "1", "2", "3"], name
    (tmp_path / "folder").mkdir()
    for name in ("im10.png", "im2.png"):
        Image.fromarray(stack[0]).save(tmp_path / "folder" / name)
    assert image_ids(tmp_path / "folder") == ["im2", "im10"]
    check_known(["im2", "im10.png"], tmp_path / "folder")
    check_known(["0", "1"], tmp_path / "folder")


def test_images_that_are_wrong_or_unknown(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 6, 5)))
    np.save(tmp_path / "flat.npy", np.zeros((4, 6)))
    np.savez(tmp_path / "two.npz", a=np.zeros(1), b=np.zeros(1))
    (tmp_path / "a.gif").write_text("x")
    (tmp_path / "none").mkdir()
    wrong = {
        "a.npy": "has no image '4', nor 1 more that were shown; its 4 images are 0, 1, 2, 3; correct the column image",
        "flat.npy": "flat.npy: is of shape (4, 6), a stack is (images, Y, X)",
        "two.npz": "two.npz: has 2 arrays (a, b); keep one",
        "a.gif": "a.gif: .gif is not read",
        "none": "none: has no image; give a stack",
        "nowhere.npy": "does not exist; give a stack",
    }
    for name, said in wrong.items():
        with pytest.raises(InputError, match=re.escape(said)):
            check_known(["0", "4", "5"], tmp_path / name)
