"""Pixels of the images that were shown, from every kind of file."""

import imagecodecs
import numpy as np
import pytest
import tifffile

from groundtrace.errors import InputError
from groundtrace.responses.pictures import read_images, rows_of

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


def test_images_are_found_by_name_file_or_position(tmp_path):
    path = folder(tmp_path / "d")
    ids, _ = read_images(path)
    assert rows_of(["im10", "im2.png", "4"], ids, path) == {"im10": 10, "im2.png": 2, "4": 4}
    with pytest.raises(InputError, match="has no image 'im99'"):
        rows_of(["im99"], ids, path)


def test_an_nwb_file_has_templates_in_one_stack(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file["stimulus/templates/natural/data"] = STACK
    ids, images = read_images(tmp_path / "a.nwb")
    assert len(ids) == 11
    np.testing.assert_array_equal(images, STACK)
