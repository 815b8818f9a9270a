"""Registration with NoRMCorre of CaImAn 1.12: it estimates where the tissue was, we move the raw pixels there, once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from groundtrace.arrays import FloatArray, Movie
from groundtrace.errors import BackendError, InputError
from groundtrace.external.caiman import PACKAGES, caiman_session, map_frames
from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.moving import RIGID, Blocks, Displacement, as_integers, move_frames
from groundtrace.needs import Need
from groundtrace.notices import notice
from groundtrace.task import Task

SAMPLE = 200
"""Frames, evenly spread, that show the range of the movie."""


class NormCorre(MotionBackend):
    """Rigid, then piecewise-rigid registration by subpixel cross-correlation (NoRMCorre; Pnevmatikakis and Giovannucci
    2017), as in CaImAn 1.12.

    A frame is moved once, from its raw pixels, by bilinear interpolation between the centres of the patches, rounded
    to the acquisition's integer type. Pixels that a frame did not see take the template's value.
    """

    environment: ClassVar[str] = "caiman"
    packages: ClassVar[tuple[str, ...]] = (*PACKAGES, "numba")
    need: ClassVar[Need] = Need(800, pixel=3000, seconds=10, gigabyte_seconds=250)

    backend: Literal["normcorre"] = "normcorre"
    nonrigid: bool = True
    """Correct each patch of the field beyond the rigid shift."""
    stride: tuple[PositiveInt, PositiveInt] = (48, 48)
    """px, height and width, from patch to patch."""
    overlap: tuple[NonNegativeInt, NonNegativeInt] = (24, 24)
    """px, height and width, by which neighbouring patches overlap: a patch is as large as stride and overlap."""
    max_shift: float = Field(default=0.1, gt=0, le=0.5)
    """Largest rigid shift, fraction of the field's shorter side."""
    max_patch_shift: PositiveInt = 3
    """px, largest shift of a patch beyond the rigid one."""
    filter_sigma: PositiveInt | None = None
    """px, of a high-pass filter on what is registered, about the radius of a cell; for one-photon movies."""
    rigid_rounds: PositiveInt = 1
    """Rounds of rigid registration that refine the template."""
    template_frames: int = Field(default=80, ge=10)
    """Frames averaged to one image; the template is the median of these images."""

    def run(self, movie: Movie, registered: Movie, task: Task) -> Registration:
        field = movie.shape[1:]
        max_shift = round(self.max_shift * min(field))
        if max_shift < 1:
            raise InputError(
                f"max_shift {self.max_shift} of a field of {field[0]} x {field[1]} px is less than one pixel; raise it"
            )
        sample = _sample(movie)
        origin = int(sample.min())
        nonrigid = self.nonrigid and self._patches_fit(field)
        with caiman_session(task.scratch, task.threads) as processes:
            path = map_frames(movie, origin, task.scratch)
            found = self._estimate(path, nonrigid, max_shift, processes)
            path.unlink()
        blocks = _blocks(field, self.overlap, self.stride) if nonrigid else RIGID
        shift = displacements(*_shifts(found, nonrigid), blocks)
        template = sample.mean(axis=0, dtype=np.float64) if self.filter_sigma else _template(found, nonrigid) + origin
        fill = as_integers(template, movie.dtype)
        step = int(np.clip(2**20 // (field[0] * field[1]), 2, 32))

        def move(start: int) -> None:
            part = slice(start, start + step)
            registered[part] = move_frames(movie[part], shift[part], fill)

        with ThreadPoolExecutor(task.threads) as pool:
            list(pool.map(move, range(0, len(movie), step)))
        if self.filter_sigma:
            template = _sample(registered).mean(axis=0, dtype=np.float64)
        # NoRMCorre does not tell how well a frame fits.
        nothing = np.zeros(len(movie), np.float32)
        return Registration(shift, nothing, template.astype(np.float32))

    def _patches_fit(self, field: tuple[int, ...]) -> bool:
        patch = [stride + overlap for stride, overlap in zip(self.stride, self.overlap, strict=True)]
        if all(size < side for size, side in zip(patch, field, strict=True)):
            return True
        notice(
            "registered_rigidly",
            f"nonrigid motion: a field of {field[0]} x {field[1]} px has no room for patches of "
            f"{patch[0]} x {patch[1]} px, and is registered rigidly; set a smaller stride for nonrigid motion",
        )
        return False

    def _estimate(self, path: Path, nonrigid: bool, max_shift: int, processes: Any) -> Any:
        """CaImAn's MotionCorrect after its work."""
        from caiman.motion_correction import MotionCorrect  # pyright: ignore[reportMissingImports]

        sigma = None if self.filter_sigma is None else [self.filter_sigma, self.filter_sigma]
        frames = int(path.stem.rpartition("_")[2])
        found = MotionCorrect(
            str(path),
            # What CaImAn would add to make the movie positive; it already is, and a filtered one need not be.
            min_mov=0.0,
            dview=processes,
            max_shifts=(max_shift, max_shift),
            niter_rig=self.rigid_rounds,
            splits_rig=max(1, frames // self.template_frames),
            splits_els=max(1, frames // self.template_frames),
            strides=self.stride,
            overlaps=self.overlap,
            max_deviation_rigid=self.max_patch_shift,
            gSig_filt=sigma,
            border_nan="copy",
            pw_rigid=nonrigid,
        )
        found.motion_correct(save_movie=False)
        return found


def _sample(movie: Movie) -> np.ndarray:
    """Evenly spread frames that show something."""
    indices = np.linspace(0, len(movie), min(SAMPLE, len(movie)), endpoint=False, dtype=int)
    frames = np.array([frame for frame in (movie[i] for i in indices) if frame.min() < frame.max()])
    if len(frames) < 2:
        raise BackendError("motion: fewer than two of the sampled frames show anything; is the shutter closed?")
    return frames


def _blocks(field: tuple[int, ...], overlap: Sequence[int], stride: Sequence[int]) -> Blocks:
    from caiman.motion_correction import get_patch_centers  # pyright: ignore[reportMissingImports]

    y, x = get_patch_centers(field, overlaps=tuple(overlap), strides=tuple(stride))
    return Blocks(np.array(y, np.float32), np.array(x, np.float32))


def _shifts(found: Any, nonrigid: bool) -> tuple[FloatArray, FloatArray]:
    """Rows' and columns' shifts as CaImAn has them, (frames, patches), one patch when rigid."""
    if nonrigid:
        return np.array(found.x_shifts_els), np.array(found.y_shifts_els)
    shifts = np.array(found.shifts_rig)
    return shifts[:, :1], shifts[:, 1:]


def _template(found: Any, nonrigid: bool) -> FloatArray:
    return np.asarray(found.total_template_els if nonrigid else found.total_template_rig, np.float64)


def displacements(rows: FloatArray, columns: FloatArray, blocks: Blocks) -> Displacement:
    """From CaImAn's shifts.

    rows, columns: (frames, patches) px by which CaImAn moves the content back (its `x_shifts_els` are of the rows):
    the negative of our displacements. The rigid part is the mean over patches.
    """
    y, x = -rows.mean(axis=1), -columns.mean(axis=1)
    if not blocks.count:
        return Displacement.rigid(y, x).single()
    return Displacement(y, x, -rows - y[:, None], -columns - x[:, None], blocks).single()
