"""ROIs of one's own: read from every kind of file, placed on the field, refused where they cannot be meant."""
# ruff: noqa: E501 (messages stand as a user sees them)

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
import roifile
import tifffile
from scipy.ndimage import gaussian_filter

from groundtrace.errors import InputError
from groundtrace.extraction.base import Footprint
from groundtrace.extraction.given.drawn import Drawn
from groundtrace.extraction.given.imagej import inside
from groundtrace.extraction.given.kinds import RoiFile
from groundtrace.extraction.given.placing import placed, shift_between
from groundtrace.extraction.given.rois import read_rois
from groundtrace.extraction.masks import Masks
from groundtrace.io import write_arrays
from groundtrace.movies.file import create_movie, open_movie
from groundtrace.testing.extraction import matches
from groundtrace.testing.movies import task, with_cells
from tests.unit.extraction.scenes import disk_image, footprint, iou

FIELD = (60, 80)
DISKS = [(15.0, 20.0), (40.0, 60.0), (30.0, 45.0)]


def disks(shape: tuple[int, int] = FIELD, radius: float = 6.0) -> list[Footprint]:
    return [footprint(disk_image(shape, y, x, radius)) for y, x in DISKS]


def label_image(shape: tuple[int, int] = FIELD) -> np.ndarray:
    image = np.zeros(shape, np.uint16)
    for label, (y, x, _) in enumerate(disks(shape), start=1):
        image[y, x] = label
    return image


def mean_image(shape: tuple[int, int] = FIELD, move: tuple[int, int] = (0, 0), seed: int = 0) -> np.ndarray:
    """Bright disks among weak structure of their own, seen `move` px (y, x) further down and right."""
    random = np.random.default_rng(seed)
    high, wide = shape[0] + 40, shape[1] + 40
    image = 100 + sum(
        random.uniform(5, 20) * disk_image((high, wide), *random.uniform((0, 0), (high, wide)), 3) for _ in range(60)
    )
    for y, x in DISKS:
        image += 60 * disk_image((high, wide), y + 20, x + 20, 6)
    top, left = 20 - move[0], 20 - move[1]
    noise = np.random.default_rng(seed + 1).normal(0, 1, shape)
    return (image[top : top + shape[0], left : left + shape[1]] + noise).astype(np.float32)


def same(found: Drawn, wanted: list[Footprint]) -> bool:
    pairs = zip(found.footprints, wanted, strict=True)
    return all(iou(one, other) == 1 and np.isclose(one[2].sum(), 1) for one, other in pairs)


def nwb(path: Path, rois: list[Footprint], shape: tuple[int, int], order: str, masks: str = "image_mask") -> Path:
    """A file with a PlaneSegmentation whose masks are (x, y) or (y, x)."""
    with h5py.File(path, "w") as file:
        group = file.create_group("processing/ophys/ImageSegmentation/a_name_of_the_lab")
        group.attrs["neurodata_type"] = "PlaneSegmentation"
        group["id"] = np.arange(len(rois)) + 7
        if masks == "image_mask":
            images = np.zeros((len(rois), *shape), np.float32)
            for image, (y, x, weight) in zip(images, rois, strict=True):
                image[y, x] = weight
            group["image_mask"] = images if order == "yx" else images.swapaxes(1, 2)
        else:
            rows = [
                (x, y, w) if order == "xy" else (y, x, w)
                for ys, xs, ws in rois
                for y, x, w in zip(ys, xs, ws, strict=True)
            ]
            group["pixel_mask"] = np.array(rows, [("x", "u4"), ("y", "u4"), ("weight", "f4")])
            group["pixel_mask_index"] = np.cumsum([len(y) for y, *_ in rois])
    return path


# What each kind of file holds.


def test_labels_of_tiff_npy_and_cellpose_are_the_same_rois(tmp_path):
    tifffile.imwrite(tmp_path / "masks.tif", label_image())
    np.save(tmp_path / "masks.npy", label_image().astype(float))
    cellpose = {"masks": label_image(), "outlines": label_image() > 0, "filename": "a.tif", "diameter": 12.0}
    np.save(tmp_path / "mean_seg.npy", np.array(cellpose, object), allow_pickle=True)
    for name in ("masks.tif", "masks.npy", "mean_seg.npy"):
        found = read_rois(tmp_path / name)
        assert same(found, disks()), name
        assert (found.names, found.shape) == (["label 1", "label 2", "label 3"], FIELD)


class _Harm:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_a_pickle_of_a_stranger_runs_nothing(tmp_path):
    mark = tmp_path / "ran"
    np.save(tmp_path / "a_seg.npy", np.array({"masks": label_image(), "more": _Harm(mark)}, object), allow_pickle=True)
    pickle.loads(pickle.dumps(_Harm(mark)))  # an ordinary reader would run it
    mark.unlink()
    assert same(read_rois(tmp_path / "a_seg.npy"), disks())
    assert not mark.exists()


def test_outlines_of_imagej_hold_the_pixels_whose_centres_are_inside(test_data):
    path = test_data / "movies/fissa_rois.zip"
    drawn = pytest.importorskip("matplotlib.path").Path
    found, field = read_rois(path), (176, 156)
    centres = np.stack(np.meshgrid(np.arange(field[1]), np.arange(field[0])), axis=-1).reshape(-1, 2) + 0.5
    wanted = [
        footprint(drawn(roi.coordinates()).contains_points(centres).reshape(field).astype(float))
        for roi in roifile.roiread(path)
    ]
    assert found.names == ["01", "02", "03", "04"]
    assert all(iou(one, other) > 0.98 for one, other in zip(found.footprints, wanted, strict=True))


def test_rectangle_oval_and_hole_of_imagej(tmp_path):
    rectangle = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=10, top=20, right=14, bottom=23, name="box")
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, left=30, top=20, right=50, bottom=40)
    square = roifile.ImagejRoi.frompoints([[60, 10], [70, 10], [70, 20], [60, 20]])
    roifile.roiwrite(tmp_path / "rois.zip", [rectangle, oval, square])
    found = read_rois(tmp_path / "rois.zip")
    y, x, _ = found.footprints[0]
    assert sorted(set(zip(y.tolist(), x.tolist(), strict=True))) == [
        (a, b) for a in (20, 21, 22) for b in range(10, 14)
    ]
    assert abs(len(found.footprints[1][0]) - np.pi * 100) < 10
    assert len(found.footprints[2][0]) == 100
    assert found.names[0] == "box"
    ring = [np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float), np.array([[3, 3], [7, 3], [7, 7], [3, 7]], float)]
    assert len(inside(ring)[0]) == 100 - 16


@pytest.mark.parametrize("masks", ["image_mask", "pixel_mask"])
@pytest.mark.parametrize("order", ["xy", "yx"])
@pytest.mark.parametrize("shape", [FIELD, (80, 80)], ids=["by its size", "by the mean image"])
def test_which_axis_of_a_mask_is_the_row_is_found(shape, order, masks, tmp_path):
    rois = disks(shape)
    found = read_rois(nwb(tmp_path / "a.nwb", rois, shape, order, masks))
    placed_rois = placed(tmp_path / "a.nwb", found, mean_image(shape), 12.0)
    assert [iou(one, other) for one, other in zip(placed_rois.footprints, rois, strict=True)] == [1, 1, 1]
    assert placed_rois.names == ["roi 7", "roi 8", "roi 9"]
    assert placed_rois.notes == ()


def test_where_nothing_tells_the_axes_of_masks_it_is_said(tmp_path):
    shape = (80, 80)
    found = read_rois(nwb(tmp_path / "a.nwb", disks(shape), shape, "xy"))
    dark = np.random.default_rng(0).normal(100, 1, shape).astype(np.float32)
    result = placed(tmp_path / "a.nwb", found, dark, 12.0)
    assert "neither the file nor the mean image tells" in result.notes[0]
    assert [iou(one, other) for one, other in zip(result.footprints, disks(shape), strict=True)] == [1, 1, 1]


def of_another_session(folder: Path, mean: np.ndarray, rois: list[Footprint]) -> Path:
    y, x, weight = ([part.tolist() for part in column] for column in zip(*rois, strict=True))
    accepted = [True] * (len(rois) - 1) + [False]
    table = {"roi": range(len(rois)), "pixel_y": y, "pixel_x": x, "weight": weight, "accepted": accepted}
    pl.DataFrame(table).write_parquet(folder / "rois.parquet")
    write_arrays(folder / "extraction_images.npz", mean=mean)
    return folder / "rois.parquet"


@pytest.mark.parametrize("move", [(0, 0), (5, -7), (-8, 3)])
def test_rois_of_another_session_move_with_the_field(move, tmp_path):
    path = of_another_session(tmp_path, mean_image(seed=0), disks())
    result = placed(path, read_rois(path), mean_image(move=move, seed=0), 12.0)
    assert result.shift == move
    assert result.likeness is not None
    assert result.likeness > 0.8
    assert result.names == ["roi 0", "roi 1"]  # the third is not accepted there
    assert "1 of its ROIs are not accepted there and left out" in result.notes[0]
    for (y, x, _), (wanted_y, wanted_x, _) in zip(result.footprints, disks(), strict=False):
        np.testing.assert_array_equal(y, wanted_y + move[0])
        np.testing.assert_array_equal(x, wanted_x + move[1])


def test_a_roi_that_left_the_field_is_named(tmp_path):
    rois = [footprint(disk_image(FIELD, 4, 30, 3)), *disks()]
    path = of_another_session(tmp_path, mean_image(seed=0), rois)
    result = placed(path, read_rois(path), mean_image(move=(-11, 0), seed=0), 12.0)
    assert result.names == ["roi 1", "roi 2"]
    assert any("1 of the ROIs (roi 0) left the field" in sentence for sentence in result.notes)


def test_real_mean_images_of_one_field_are_alike_and_others_are_not(test_data):
    """Two trials of fissa against each other, and against another mouse."""
    first, second = (
        tifffile.imread(test_data / f"movies/fissa_A0{k}_176x156x288.tif").mean(axis=0).astype(np.float32)
        for k in (1, 3)
    )
    y, x, likeness, distinct = shift_between(second, np.roll(first, (6, -4), axis=(0, 1)), 20.0)
    assert abs(y + 6) <= 1
    assert abs(x - 4) <= 1
    assert likeness > 0.6
    assert distinct > 8
    other = tifffile.imread(test_data / "movies/mouse2p_128x128x2000.tiff")[:300].mean(axis=0).astype(np.float32)
    *_, likeness, distinct = shift_between(other, first[:128, :128], 15.0)
    assert likeness < 0.3
    assert distinct < 5


@pytest.mark.parametrize("seed", range(8))
def test_no_shift_of_a_small_field_fits_by_chance(seed, tmp_path):
    other = gaussian_filter(np.random.default_rng(seed).normal(0, 1, FIELD), 3).astype(np.float32)
    path = of_another_session(tmp_path, other, disks())
    with pytest.raises(InputError, match="so that its ROIs are of another field or depth"):
        placed(path, read_rois(path), mean_image(), 12.0)


# What cannot be meant.


def tiff(image: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "masks.tif", image)
        return folder / "masks.tif"

    return write


def zipped(*rois: roifile.ImagejRoi) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        roifile.roiwrite(folder / "rois.zip", list(rois), mode="w")
        return folder / "rois.zip"

    return write


def stored(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def box(left: int, top: int, name: str = "box") -> roifile.ImagejRoi:
    return roifile.ImagejRoi(
        roitype=roifile.ROI_TYPE.RECT, left=left, top=top, right=left + 9, bottom=top + 9, name=name
    )


def several_parts(folder: Path) -> Path:
    return tiff((label_image() > 0).astype(np.uint8))(folder)


def without_masks(folder: Path) -> Path:
    np.save(folder / "a_seg.npy", np.array({"outlines": 1}, object), allow_pickle=True)
    return folder / "a_seg.npy"


def two_segmentations(folder: Path) -> Path:
    path = nwb(folder / "a.nwb", disks(), FIELD, "xy")
    with h5py.File(path, "a") as file:
        file.copy("processing/ophys/ImageSegmentation/a_name_of_the_lab", "processing/ophys/other")
    return path


def no_segmentation(folder: Path) -> Path:
    h5py.File(folder / "a.nwb", "w").close()
    return folder / "a.nwb"


def other_field(folder: Path) -> Path:
    other = gaussian_filter(np.random.default_rng(7).normal(0, 1, FIELD), 3).astype(np.float32)
    return of_another_session(folder, other, disks())


def no_columns(folder: Path) -> Path:
    pl.DataFrame({"roi": [0]}).write_parquet(folder / "rois.parquet")
    return folder / "rois.parquet"


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "another size": (
        tiff(label_image((64, 80))),
        "masks.tif: was made on 64 x 80 px, and the recording has 60 x 80 px (height x width); make the ROIs on the mean image of this recording, neither cropped nor scaled",
    ),
    "empty label image": (
        tiff(np.zeros(FIELD, np.uint8)),
        "masks.tif: holds no ROI; draw some, or choose another extraction",
    ),
    "a stack": (
        tiff(np.zeros((5, *FIELD), np.uint8)),
        "masks.tif: has shape (5, 60, 80); a label image is (height, width), one file for each plane",
    ),
    "an image, not labels": (
        tiff(label_image() + np.float32(0.5)),
        "masks.tif: has pixels such as 0.5; a label image has whole numbers, one for each ROI",
    ),
    "negative labels": (
        tiff(label_image().astype(np.int16) - 1),
        "masks.tif: has the label -1; labels are 1, 2, 3 …, and 0 where there is no ROI",
    ),
    "huge labels": (
        tiff(label_image().astype(np.int32) * 100_000),
        "masks.tif: has the label 300000; number the ROIs 1, 2, 3 …",
    ),
    "a mask of all cells": (
        several_parts,
        "masks.tif: has one label, in several separate parts: it is a mask of all cells together; number them first",
    ),
    "background labelled": (
        tiff(label_image() + 1),
        "masks.tif: label 1 covers 93 % of the field, as background does; leave it out (in a label image, background is 0)",
    ),
    "no TIFF": (stored("masks.tif", b"text"), "masks.tif: cannot be read as TIFF (not a TIFF file"),
    "no Cellpose": (stored("a_seg.npy", b"text"), "a_seg.npy: neither an array nor Cellpose's _seg.npy"),
    "Cellpose without masks": (
        without_masks,
        "a_seg.npy: has no array `masks`, as Cellpose's _seg.npy has; it has outlines",
    ),
    "no zip": (stored("rois.zip", b"text"), "rois.zip: cannot be read as ROIs of ImageJ"),
    "outside the field": (
        zipped(box(10, 10), box(200, 10, "far")),
        "rois.zip: far lies outside of the field of 60 x 80 px; were the ROIs made on another recording, or on a scaled image?",
    ),
    "twice": (zipped(box(10, 10, "a"), box(10, 10, "b")), "rois.zip: a and b are the same pixels; delete one of them"),
    "a line": (
        zipped(roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE, x1=1, y1=1, x2=9, y2=9, name="l")),
        "rois.zip: ROI 'l' is of type line and has no area; draw it with the polygon, freehand, oval or rectangle tool",
    ),
    "an outline without a pixel": (
        zipped(roifile.ImagejRoi.frompoints([[3.0, 3.0], [3.2, 3.0], [3.1, 3.2]], name="s")),
        "rois.zip: ROI 's' has no pixel inside its outline; draw it larger, or delete it",
    ),
    "no segmentation": (
        no_segmentation,
        "a.nwb: has no PlaneSegmentation; give an NWB file with ROIs, or another file of ROIs",
    ),
    "two segmentations": (
        two_segmentations,
        "a.nwb: has 2 of type PlaneSegmentation (processing/ophys/ImageSegmentation/a_name_of_the_lab, processing/ophys/other), and the sheet says planes 1",
    ),
    "no NWB": (stored("a.nwb", b"text"), "a.nwb: cannot be read ("),
    "another field": (other_field, "so that its ROIs are of another field or depth; correct the column rois"),
    "a table of something else": (
        no_columns,
        "rois.parquet: has no column pixel_y, pixel_x, weight; give a rois.parquet of groundtrace",
    ),
    "no table": (stored("rois.parquet", b"text"), "rois.parquet: cannot be read as Parquet"),
    "no file": (lambda folder: folder / "rois.zip", "rois.zip: cannot be read ("),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_meant_is_refused(case, tmp_path):
    make, message = BAD[case]
    path = make(tmp_path)
    with pytest.raises(InputError) as refused:
        placed(path, read_rois(path), mean_image(), 12.0)
    said = str(refused.value)
    assert said.startswith(f"{tmp_path}/")
    assert message in said


def test_a_roi_that_reaches_beyond_the_edge_is_cut_and_named(tmp_path):
    path = zipped(box(-4, 20, "edge"), box(40, 20))(tmp_path)
    result = placed(path, read_rois(path), mean_image(), 12.0)
    assert [len(y) for y, *_ in result.footprints] == [5 * 9, 81]
    assert result.notes == (
        "1 of the ROIs (edge) reach beyond the edge and are measured inside of it; look at them before use",
    )


def test_a_label_in_two_parts_is_one_roi_and_said(tmp_path):
    image = label_image()
    image[55:58, 2:5] = 2
    found = read_rois(tiff(image)(tmp_path))
    assert len(found.footprints) == 3
    assert found.notes == (
        "labels in several separate parts (2) are one ROI each; give parts of other cells own labels",
    )


# Measured as all ROIs are.


def test_given_rois_are_measured_and_all_accepted(tmp_path):
    truth = with_cells()
    image = np.zeros(truth.movie.shape[1:], np.uint16)
    for label, (y, x) in enumerate(zip(truth.y, truth.x, strict=True), start=1):
        image[disk_image(image.shape, y, x, 5) > 0] = label
    tifffile.imwrite(tmp_path / "masks.tif", image)
    (tmp_path / "scratch").mkdir()
    movie = create_movie(tmp_path / "movie.npy", truth.movie.shape, truth.movie.dtype)
    movie[:] = truth.movie
    job = task(truth.movie, tmp_path / "scratch")
    found = Masks().run(open_movie(tmp_path / "movie.npy"), replace(job, rois=RoiFile(tmp_path / "masks.tif")))
    assert found.accepted.all()
    assert len(found.accepted) == len(truth.y)
    nearest, _ = matches(found, truth)
    assert nearest.tolist() == list(range(len(truth.y)))  # in the order of the file
    for trace, neuropil, activity in zip(found.fluorescence, found.neuropil, truth.activity, strict=True):
        assert np.corrcoef(trace, activity)[0, 1] > 0.98
        assert neuropil.mean() == pytest.approx(105, abs=10)
    assert found.judgement is not None
    assert found.judgement.quality["given"].to_list() == ["masks.tif"]
    assert (found.judgement.cell_probability > 0.5).all()


def test_without_given_rois_the_sheet_is_named(tmp_path):
    movie = with_cells(shape=(60, 64, 64), count=4).movie
    with pytest.raises(InputError, match="fill the column rois of the sheet"):
        Masks().run(movie, task(movie, tmp_path))
