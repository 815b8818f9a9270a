"""Images that were shown: the file or folder in the column `stimulus_images` of the sheet."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from groundtrace.errors import InputError, did_you_mean
from groundtrace.movies.raw import natural_order
from groundtrace.responses.nwb import templates

PICTURES = (".png", ".jpg", ".jpeg")
ALLOWED = (
    "give a stack (.npy, .npz, .tif: images first), a folder of .png or .jpg, or an .nwb file with templates; the id "
    "of an image is its position, from 0, or its file name"
)


def image_ids(path: Path | str) -> list[str]:
    """Ids of all images, in order: positions in a stack, names of files without their suffixes.

    Raises InputError, naming what is wrong and what is allowed.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{str(path)!r} does not exist; {ALLOWED}")
    if path.is_dir():
        files = natural_order(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        found = [file.stem for file in files]
        if twice := sorted({name for name in found if found.count(name) > 1}):
            raise InputError(f"{path}: has two images of the name {twice[0]}; rename one")
    elif path.suffix.lower() == ".nwb":
        found = templates(path)
    else:
        found = [str(i) for i in range(_length(path))]
    if not found:
        raise InputError(f"{path}: has no image; {ALLOWED}")
    return found


def _length(path: Path) -> int:
    """Images of a stack, of which only the header is read."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
        elif suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                if len(archive.files) != 1:
                    raise InputError(f"{path}: has {len(archive.files)} arrays ({', '.join(archive.files)}); keep one")
                shape = archive[archive.files[0]].shape
        elif suffix in (".tif", ".tiff"):
            import tifffile

            with tifffile.TiffFile(path) as file:
                series = file.series[0].shape
                shape = series if len(series) > 2 else (len(file.pages), *series)
        else:
            raise InputError(f"{path}: {suffix or 'a file without a suffix'} is not read; {ALLOWED}")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}; {ALLOWED}") from None
    if len(shape) not in (3, 4):
        raise InputError(
            f"{path}: is of shape {shape}, a stack is (images, Y, X) or (images, Y, X, colours); {ALLOWED}"
        )
    return shape[0]


def check_known(shown: Iterable[str], path: Path | str) -> None:
    """Raise InputError where an image of the presentations is none of those in `path`."""
    rows_of(shown, image_ids(path), path)


def rows_of(shown: Iterable[str], ids: Sequence[str], where: Path | str) -> dict[str, int]:
    """Row of each image that was shown: all by their ids, or, where these do not know all of them, all by position.

    An id may be written as the name of its file, and a number without its leading zeros, as programs save it.
    where: what the message names. Raises InputError for an image that is not there.
    """
    alike = _alike if len(set(map(_alike, ids))) == len(ids) else _stem
    known = {alike(name): row for row, name in enumerate(ids)}
    wanted = {name: alike(name) for name in shown}
    places = {str(row): row for row in range(len(ids))}
    unknown = sorted(name for name in wanted if wanted[name] not in known)
    if not unknown:
        return {name: known[wanted[name]] for name in wanted}
    if wanted.keys() <= places.keys():
        return {name: places[name] for name in wanted}
    some = f"{', '.join(ids[:3])} … {ids[-1]}" if len(ids) > 4 else ", ".join(ids)
    raise InputError(
        f"{where}: has no image {unknown[0]!r}"
        + (f", nor {len(unknown) - 1} more that were shown" if unknown[1:] else "")
        + f"{did_you_mean(unknown[0], ids)}; its {len(ids)} images are {some}; correct the column image"
    )


def _stem(name: str) -> str:
    path = Path(name)
    return path.stem if path.suffix.lower() in PICTURES else name


def _alike(name: str) -> str:
    stem = _stem(name)
    return str(int(stem)) if stem.isdecimal() else stem
