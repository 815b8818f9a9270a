"""Linear-nonlinear model: ridge regression on the pixels, then an output nonlinearity."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from groundtrace.arrays import FloatArray
from groundtrace.encoding.base import EncodingBackend, EncodingModel, Trials, device

if TYPE_CHECKING:
    from torch import Tensor

PENALTIES = np.geomspace(1e-4, 1e3, 15)
"""Penalties that are compared, relative to the mean eigenvalue."""
STEPS = 200


class Linear(EncodingBackend):
    """A linear receptive field by ridge regression, and a fitted output nonlinearity (LN model)."""

    backend: Literal["linear"] = "linear"
    smoothness: float = Field(default=1.0, ge=0, le=20)
    """px; standard deviation of the Gaussian that receptive fields are as smooth as."""

    def fit_means(self, images: FloatArray, trials: Trials, seed: int) -> "LinearModel":
        import torch
        from scipy.ndimage import gaussian_filter

        from groundtrace.encoding.pixels import Reader

        reader = Reader(images, self.side)
        small = reader(torch.from_numpy(images)).numpy().astype(np.float64)
        smooth = gaussian_filter(small, (0, self.smoothness, self.smoothness)).reshape(len(images), -1)
        field, left_out = ridge(smooth, trials)
        field = gaussian_filter(field.reshape(-1, *reader.shape), (0, self.smoothness, self.smoothness))
        # What is left of the images' mean goes into the offset of the nonlinearity.
        drive = np.einsum("iyx,cyx->ci", small - small.mean(axis=0), field)
        offset = np.einsum("yx,cyx->c", small.mean(axis=0), field)
        spread = np.maximum(drive.std(axis=1), 1e-9)
        parameters = nonlinearity(left_out / spread[:, None], trials)
        return LinearModel(reader, field / spread[:, None, None], offset / spread, parameters)


def ridge(design: FloatArray, trials: Trials) -> tuple[FloatArray, FloatArray]:
    """Weights (n_cells, n_pixels) on the design (n_images, n_pixels) around its mean, and the drive (n_cells, n_images)
    of each image, above the cell's mean, by weights fitted to the other images.

    Images count by their number of trials. Each cell has the penalty that predicts left-out images best.
    """
    weight = np.sqrt(trials.count.mean(axis=0))
    weight /= np.sqrt((weight**2).mean())
    centred = (design - design.mean(axis=0)) * weight[:, None]
    level = (trials.mean * weight**2).mean(axis=1, keepdims=True)
    target = (trials.mean - level) * weight
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values = np.maximum(values, 0)
    rotated = target @ vectors
    own = weight**2 / (weight**2).sum()
    best, left_out = np.full(len(target), np.inf), np.zeros_like(target)
    dual = np.zeros_like(target)
    for penalty in PENALTIES * max(values.mean(), 1e-12):
        shrunk = values / (values + penalty)
        leverage = np.clip((vectors**2) @ shrunk + own, 0, 1 - 1e-6)
        residual = (target - (rotated * shrunk) @ vectors.T) / (1 - leverage)
        error = (residual**2).sum(axis=1)
        better = error < best
        best = np.where(better, error, best)
        left_out[better] = ((target - residual) / weight)[better]
        dual[better] = ((rotated / (values + penalty)) @ vectors.T)[better]
    return dual @ centred, left_out


def nonlinearity(drive: FloatArray, trials: Trials) -> FloatArray:
    """(n_cells, 4) gain, slope, offset and base of base + gain softplus(slope drive + offset), by least squares.

    drive: (n_cells, n_images) of images that it was not fitted to.
    """
    import torch
    from torch.nn.functional import softplus

    mean, count, z = (torch.from_numpy(np.asarray(a, np.float64)) for a in (trials.mean, trials.count, drive))
    count = count / count.mean(1, keepdim=True)
    spread = mean.std(1).clamp(min=1e-9)
    start = torch.stack([torch.zeros_like(spread), torch.zeros_like(spread), torch.zeros_like(spread)])
    # Gain and slope are positive; base and gain are in units of the cell's own spread.
    raw = torch.cat([start, ((mean.mean(1) / spread) - np.log(2))[None]]).requires_grad_(True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    for _ in range(STEPS):
        gain, slope, offset, base = raw.exp()[0], raw.exp()[1], raw[2], raw[3]
        found = base[:, None] + gain[:, None] * softplus(slope[:, None] * z + offset[:, None])
        loss = (count * (found - mean / spread[:, None]) ** 2).mean(1).sum() + 1e-3 * (raw[:3] ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return torch.stack([raw[0].exp() * spread, raw[1].exp(), raw[2], raw[3] * spread], 1).numpy()


class LinearModel(EncodingModel):
    """Receptive fields and output nonlinearities."""

    def __init__(self, reader, field: FloatArray, offset: FloatArray, parameters: FloatArray):
        import torch

        self.reader = reader.to(device())
        self.field, self.offset, self.parameters = (
            torch.from_numpy(part).float().to(device()) for part in (field, offset, parameters)
        )
        """(n_cells, y, x); (n_cells,); (n_cells, 4)."""

    def response(self, image_batch: "Tensor") -> "Tensor":
        from torch.nn.functional import softplus

        gain, slope, offset, base = self.parameters.T
        drive = self.reader(image_batch).flatten(1) @ self.field.flatten(1).T - self.offset
        return base + gain * softplus(slope * drive + offset)

    def fields(self) -> FloatArray:
        """(n_cells, Y, X) receptive fields on the pixels of the stimulus."""
        return (self.reader.rows.T @ self.field @ self.reader.columns).cpu().numpy()
