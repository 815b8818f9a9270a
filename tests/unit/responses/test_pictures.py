"""Pixels of the images that were shown, from every kind of file."""

import imagecodecs
import numpy as np
import pytest
import tifffile

from groundtrace.errors import InputError
from groundtrace.responses.images import rows_of
from groundtrace.responses.pictures import read_images

STACK = np.random.default_rng(0).integers(0, 255, (11, 6, 8)).astype(np.uint8)


def folder(path):
    path.mkdir()
    for i, picture in enumerate(STACK):
        imagecodecs.imwrite(path / f"im{i}.png", picture)
    return path


def test_every_kind_of_file_gives_the_same_images(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    np.savez(tmp_path / "b.npz", shown=STACK)
    tifffile.imwrite(tmp_path / "c.tif", STACK)
    for path in (tmp_path / "a.npy", tmp_path / "b.npz", tmp_path / "c.tif"):
        ids, images = read_images(path)
        assert ids == [str(i) for i in range(11)]
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, STACK)
    ids, images = read_images(folder(tmp_path / "d"))
    assert ids[1:3] == ["im1", "im2"]
    np.testing.assert_array_equal(images, STACK)


def test_colours_become_grey(tmp_path):
    np.save(tmp_path / "a.npy", np.repeat(STACK[..., None], 3, axis=-1))
    np.testing.assert_allclose(read_images(tmp_path / "a.npy")[1], STACK, rtol=1e-5)


def test_images_of_other_sizes_are_refused_by_name(tmp_path):
    path = folder(tmp_path / "d")
    imagecodecs.imwrite(path / "im3.png", STACK[3, :4])
    with pytest.raises(InputError, match=r"im3.png has 4 × 8 px, and im0.png 6 × 8"):
        read_images(path)


def test_images_are_found_by_name_or_file_or_all_by_position():
    ids = [f"im{i}" for i in range(11)]
    assert rows_of(["im10", "im2.png"], ids, "images") == {"im10": 10, "im2.png": 2}
    assert rows_of(["10", "4"], ids, "images") == {"10": 10, "4": 4}
    for wrong, said in (["im99"], "has no image 'im99'"), (["im10", "4"], "has no image '4'"):
        with pytest.raises(InputError, match=said):
            rows_of(wrong, ids, "images")


def test_numbers_are_names_of_files_before_they_are_positions():
    """A table of numbers lost the zeros of 007.png; and 1.png is not both image 1 and the first image."""
    padded = [f"{i:03d}" for i in range(1, 101)]
    assert rows_of(["7", "007", "007.png", "100"], padded, "images") == {"7": 6, "007": 6, "007.png": 6, "100": 99}
    assert rows_of(["0", "1", "99"], padded, "images") == {"0": 0, "1": 1, "99": 99}
    assert rows_of(["7", "007"], ["007", "7"], "images") == {"007": 0, "7": 1}


def test_an_nwb_file_has_templates_in_one_stack(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file["stimulus/templates/natural/data"] = STACK
    ids, images = read_images(tmp_path / "a.nwb")
    assert len(ids) == 11
    np.testing.assert_array_equal(images, STACK)
