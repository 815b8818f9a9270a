"""Registration with Suite2p 1.1.0: it estimates where the tissue was, we move the raw pixels there, once."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from groundtrace.arrays import FloatArray, IntArray, Movie
from groundtrace.errors import BackendError, InputError
from groundtrace.external.suite2p import PACKAGES, merge_settings, suite2p_session, worker_pool
from groundtrace.motion.base import MotionBackend, Registration
from groundtrace.motion.moving import RIGID, Blocks, Displacement, as_integers, exact_float, move_frames
from groundtrace.needs import Need
from groundtrace.notices import notice
from groundtrace.task import Task

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_BLOCK = 32
"""px; phase correlation of one frame in a smaller block finds noise."""
BlockSide = Annotated[int, Field(ge=SMALLEST_BLOCK)]
REFERENCE_ROUNDS = 8

CLOSED = {
    **{
        f"{section}.": "it is no setting of registration"
        for section in ("run", "io", "detection", "classification", "extraction", "dcnv_preprocess")
    },
    **{name: "it is no setting of registration" for name in ("tau", "fs", "diameter", "torch_device")},
    "registration.nonrigid": "use `nonrigid`",
    "registration.block_size": "use `block_size`",
    "registration.maxregshift": "use `max_shift`",
    "registration.maxregshiftNR": "use `max_block_shift`",
    "registration.smooth_sigma": "use `smooth_sigma`",
    "registration.smooth_sigma_time": "use `smooth_sigma_time`",
    "registration.nimg_init": "use `reference_frames`",
    "registration.batch_size": "it changes speed only, and is chosen by the size of the field",
    "registration.subpixel": "Suite2p 1.1.0 uses 10 in one place whatever is set",
    "registration.th_badframes": "bad frames are found the same way for every motion backend",
    "registration.align_by_chan2": "registration uses the functional channel",
    "registration.do_bidiphase": "scan lines are not shifted here",
    "registration.bidiphase": "scan lines are not shifted here",
    "registration.two_step_registration": "the reference is refined before registration already",
    "registration.reg_tif": "set `keep: [registered_movie]` in the config",
    "registration.reg_tif_chan2": "set `keep: [registered_movie]` in the config",
    "registration.upsample_meanImg": "images have the size of the field",
}


class Suite2pMotion(MotionBackend):
    """Rigid, then nonrigid phase correlation (Suite2p 1.1.0; Pachitariu et al. 2017).

    A frame is moved once, from its raw pixels: whole pixels when rigid, bilinear interpolation when nonrigid, rounded
    to the acquisition's integer type. Pixels that a frame did not see take the template's value.
    """

    environment: ClassVar[str] = "suite2p"
    packages: ClassVar[tuple[str, ...]] = PACKAGES
    need: ClassVar[Need] = Need(1160, pixel=3000, seconds=10, gigabyte_seconds=100)

    backend: Literal["suite2p"] = "suite2p"
    nonrigid: bool = True
    """Correct each block of the field beyond the rigid shift."""
    block_size: tuple[BlockSide, BlockSide] = (128, 128)
    """px, height and width of a block; at least 32. Blocks as large as the field are replaced by smaller ones."""
    max_shift: float = Field(default=0.1, gt=0, le=0.5)
    """Largest rigid shift, fraction of the field's shorter side."""
    max_block_shift: PositiveInt = 5
    """px, largest shift of a block beyond the rigid one."""
    smooth_sigma: float = Field(default=1.15, ge=0.25)
    """px, Gaussian smoothing of the reference in the correlation; larger for dim movies."""
    smooth_sigma_time: NonNegativeFloat = 0.0
    """Frames, Gaussian smoothing of the rigid correlation over time; 0 for none; for dim movies."""
    reference_frames: int = Field(default=400, ge=20)
    """Frames, evenly spread, from which the reference image is made."""
    settings: dict[str, Any] = {}
    """Other settings of Suite2p, nested as there, such as `{registration: {snr_thresh: 1.3}}`."""

    def run(self, movie: Movie, registered: Movie, task: Task) -> Registration:
        height, width = movie.shape[1:]
        if round(self.max_shift * min(height, width)) < 1:
            raise InputError(
                f"max_shift {self.max_shift} of a field of {height} x {width} px is less than one pixel; raise it"
            )
        blocks = block_shape(self.block_size, (height, width)) if self.nonrigid else None
        with suite2p_session(task.scratch, task.threads):
            settings = merge_settings(self.settings, self._own_settings(blocks), CLOSED)["registration"]
            with worker_pool(task.threads) as pool:
                return _register(movie, registered, settings, pool)

    def _own_settings(self, blocks: tuple[int, int] | None) -> dict[str, Any]:
        return {
            "registration": {
                "nonrigid": blocks is not None,
                "block_size": blocks or self.block_size,
                "maxregshift": self.max_shift,
                "maxregshiftNR": self.max_block_shift,
                "smooth_sigma": self.smooth_sigma,
                "smooth_sigma_time": self.smooth_sigma_time,
                "nimg_init": self.reference_frames,
            }
        }


def block_shape(wanted: tuple[int, int], field: tuple[int, int]) -> tuple[int, int] | None:
    """Blocks of which at least two fit each side of the field (Suite2p crashes with one); None when none can.

    Warns when they differ from what is wanted.
    """
    fitting = tuple(
        min(block, side // 2) if block >= side else block for block, side in zip(wanted, field, strict=True)
    )
    if fitting == tuple(wanted):
        return wanted
    shown = f"a field of {field[0]} x {field[1]} px has no room for blocks of {wanted[0]} x {wanted[1]} px"
    if min(fitting) < SMALLEST_BLOCK:
        notice(
            "registered_rigidly",
            f"nonrigid motion: {shown}, and is registered rigidly; set a smaller block_size for nonrigid motion",
        )
        return None
    notice(
        "smaller_blocks",
        f"nonrigid motion: {shown}, and has blocks of {fitting[0]} x {fitting[1]} px; set block_size to choose others",
        "note",
    )
    return fitting[0], fitting[1]


def _register(movie: Movie, registered: Movie, settings: dict[str, Any], pool: Executor) -> Registration:
    indices, encoding = _sample(movie, settings["nimg_init"])
    batch = _batch_size(movie.shape[1:])
    reference = make_reference(encoding.encode([movie[i] for i in indices]), settings, batch, pool)
    estimator = Estimator(movie, encoding, reference, settings)
    template = encoding.decode(reference)
    fill = as_integers(template, movie.dtype)
    # Filled in place: small results kept from each batch would hold the heap open between its large temporaries.
    y, x, correlation = np.empty((3, len(movie)), np.float32)
    block_y, block_x = np.empty((2, len(movie), estimator.count), np.float32)

    def process(start: int) -> None:
        part = slice(start, min(start + batch, len(movie)))
        shifts, correlation[part] = estimator.shifts(part.start, part.stop)
        y[part], x[part], block_y[part], block_x[part] = shifts.y, shifts.x, shifts.block_y, shifts.block_x
        registered[part] = move_frames(movie[part], shifts, fill)

    list(pool.map(process, range(0, len(movie), batch)))
    return Registration(Displacement(y, x, block_y, block_x, estimator.centres), correlation, template)


def _batch_size(field: tuple[int, ...]) -> int:
    """Frames at a time: few, for speed (page faults, caches) and memory; their number changes no result."""
    return int(np.clip(2**20 // (field[0] * field[1]), 2, 32))


def _sample(movie: Movie, count: int) -> tuple[IntArray, "Encoding"]:
    """Evenly spread frames for the reference, without those that show nothing, and the map of their values."""
    indices = np.linspace(0, len(movie), min(count, len(movie)), endpoint=False, dtype=int)
    ranges = np.array([(int(movie[i].min()), int(movie[i].max())) for i in indices])
    # One constant frame would be chosen as the seed of Suite2p's reference: its correlations are NaN.
    shown = ranges[:, 0] < ranges[:, 1]
    if shown.sum() < 2:
        raise BackendError("motion: fewer than two of the sampled frames show anything; is the shutter closed?")
    return indices[shown], Encoding.between(ranges[shown, 0].min(), ranges[shown, 1].max())


@dataclass(frozen=True)
class Encoding:
    """An affine map of the movie's values onto int16, which is all that Suite2p reads.

    Used to estimate displacements only. Exact when the values span at most 65,536 (stretched by a whole number so that
    the reference of a dim movie keeps its digits), else rounded; values beyond the sample's range are clipped.
    """

    centre: int
    scale: float

    @classmethod
    def between(cls, low: int, high: int) -> "Encoding":
        low, high = int(low), int(high)
        scale = 65_535 / (high - low)
        return cls((low + high + 1) // 2, float(np.floor(scale)) if scale >= 1 else scale)

    def encode(self, frames: Sequence[IntArray] | IntArray) -> np.ndarray:
        """(n, height, width) int16; frame by frame, which keeps the floats small."""
        encoded: np.ndarray = np.empty((len(frames), *frames[0].shape), np.int16)
        for frame, out in zip(frames, encoded, strict=True):
            scaled = (frame.astype(exact_float(frame.dtype)) - self.centre) * self.scale
            np.rint(scaled, out=scaled)
            out[:] = scaled.clip(-32_768, 32_767)
        return encoded

    def decode(self, image: FloatArray) -> FloatArray:
        return (image / self.scale + self.centre).astype(np.float32)


def make_reference(frames: np.ndarray, settings: dict[str, Any], batch: int, pool: Executor) -> FloatArray:
    """Suite2p's reference: the mean of frames that correlate best, refined by aligning them to it.

    frames: (n, height, width) int16, changed in place. As `compute_reference` of Suite2p with batches of all frames
    (it sorts frames by the correlations of its last batch only), in bounded memory and without cutting means to int16.
    """
    from suite2p.registration import register

    reference = _first_reference(frames)
    for number in range(REFERENCE_ROUNDS):
        filters = register.compute_filters_and_norm(
            reference, False, settings["smooth_sigma"], settings["spatial_taper"], block_size=None, device=_cpu()
        )
        y, x, peak = found = np.empty((3, len(frames)))
        align = partial(_align, frames, found, batch, tuple(filters[:3]), settings["maxregshift"])
        list(pool.map(align, range(0, len(frames), batch)))
        best = np.argsort(-peak, kind="stable")[: max(2, len(frames) * (1 + number) // (2 * REFERENCE_ROUNDS))]
        reference = _mean_of(frames, best)
        reference = np.roll(reference, (round(y[best].mean()), round(x[best].mean())), (0, 1))
    return reference


def _align(
    frames: np.ndarray, found: np.ndarray, batch: int, filters: tuple["Tensor", ...], limit: float, start: int
) -> None:
    """Move the frames of one batch onto the reference, in place; y, x and correlation of each go into `found`."""
    import torch
    from suite2p.registration import rigid

    part, (multiply, add, target) = frames[start : start + batch], filters
    y, x, peak, _ = rigid.phasecorr(torch.from_numpy(part), target, multiply, add, limit, 0)
    found[:, start : start + batch] = y, x, peak
    for frame, dy, dx in zip(part, y.tolist(), x.tolist(), strict=True):
        frame[:] = np.roll(frame, (-dy, -dx), (0, 1))


def _first_reference(frames: np.ndarray, neighbours: int = 20) -> FloatArray:
    """Mean of the frame that is most like its 19 nearest, and of those. As Suite2p's `pick_initial_reference`."""
    flat = frames.reshape(len(frames), -1)
    mean = flat.mean(axis=1, dtype=np.float64).astype(np.float32)[:, None]
    product = np.zeros((len(flat), len(flat)))
    for start in range(0, flat.shape[1], 2**13):
        part = flat[:, start : start + 2**13] - mean
        product += part @ part.T
    norm = np.sqrt(np.diag(product))
    correlation = product / np.outer(norm, norm)
    seed = np.argmax(np.sort(correlation, axis=1)[:, ::-1][:, 1:neighbours].mean(axis=1))
    nearest = np.argsort(-correlation[seed], kind="stable")[:neighbours]
    return _mean_of(frames, nearest)


def _mean_of(frames: np.ndarray, indices: IntArray) -> FloatArray:
    """Mean of some of the frames, without a copy of them."""
    total = np.zeros(frames.shape[1:], np.int64)
    for index in indices:
        total += frames[index]
    return total / len(indices)


def _cpu() -> Any:
    import torch

    return torch.device("cpu")


class Estimator:
    """Displacements of frames against a reference, by Suite2p's phase correlation."""

    def __init__(self, movie: Movie, encoding: Encoding, reference: FloatArray, settings: dict[str, Any]):
        from suite2p.registration import register

        self.movie, self.encoding, self.settings = movie, encoding, settings
        filters = register.compute_filters_and_norm(
            reference,
            settings["norm_frames"],
            settings["smooth_sigma"],
            settings["spatial_taper"],
            block_size=settings["block_size"] if settings["nonrigid"] else None,
            device=_cpu(),
        )
        self.rigid_filters, self.block_filters = filters[:3], filters[3:6]
        self.blocks = filters[6] or None
        self.count = len(self.blocks[0]) if self.blocks else 0
        self.centres = _centres(self.blocks) if self.blocks else RIGID
        self.low, self.high = filters[7:]

    def shifts(self, start: int, stop: int) -> tuple[Displacement, FloatArray]:
        """Displacement of the frames `start` to `stop`, and the correlation (frames,)."""
        import torch
        from suite2p.registration import nonrigid

        sigma = self.settings["smooth_sigma_time"]
        before = min(start, int(np.ceil(4 * sigma)))
        frames = torch.from_numpy(self.encoding.encode(self.movie[start - before : stop + int(np.ceil(4 * sigma))]))
        if self.low > -np.inf:
            frames = frames.clip(self.low, self.high)
        y, x, peak = (part[before : before + stop - start] for part in self._rigid(frames, sigma))
        if self.blocks is None:
            return Displacement.rigid(y, x), peak
        frames = frames[before : before + stop - start]
        frames = torch.stack([torch.roll(f, (-dy, -dx), (0, 1)) for f, dy, dx in zip(frames, y, x, strict=True)])
        multiply, add, target = self.block_filters
        block_y, block_x, *_ = nonrigid.phasecorr(
            frames, self.blocks, multiply, add, target, self.settings["snr_thresh"], self.settings["maxregshiftNR"]
        )
        return Displacement(y, x, block_y.numpy(), block_x.numpy(), self.centres), peak

    def _rigid(self, frames: "Tensor", sigma: float) -> tuple[np.ndarray, ...]:
        from scipy.ndimage import gaussian_filter1d
        from suite2p.registration import rigid

        multiply, add, target = self.rigid_filters
        limit = self.settings["maxregshift"]
        y, x, peak, maps = rigid.phasecorr(frames, target, multiply, add, limit, 0, return_cc=sigma > 0)
        if maps is None:
            return y.numpy(), x.numpy(), peak.numpy()
        # Suite2p 1.1.0's own smoothing over time raises TypeError.
        side = maps.shape[-1]
        maps = gaussian_filter1d(maps, sigma, axis=0).reshape(-1, side * side)
        y, x = np.divmod(maps.argmax(axis=1), side)
        return y - side // 2, x - side // 2, maps.max(axis=1)


def _centres(blocks: Any) -> Blocks:
    rows, columns, (_, per_row) = blocks[:3]
    first_pixel_to_last = (np.array(rows[::per_row]), np.array(columns[:per_row]))
    return Blocks(*((bounds.sum(axis=1, dtype=np.float32) - 1) / 2 for bounds in first_pixel_to_last))
