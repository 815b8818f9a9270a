"""Where cells look: the place of an image whose light and contours tell most of a cell's responses."""

import torch
from torch import Tensor
from torch.nn import functional

SIZE = 1 / 12
"""Standard deviation of the window that light and contours are averaged over, shorter sides of the image."""
CHANCE = 27.0
"""n R² below which a place may be found by chance: of χ² with 4 degrees of freedom 2 in 100,000 are above, and an image
has about 50 places that differ."""
BATCH = 256
"""Images that are looked at together."""


def receptive_places(images: Tensor, responses: Tensor, weight: Tensor) -> Tensor:
    """x and y (n_cells, 2) of where cells look, -1 and 1 at the borders of the image; NaN where that cannot be told.

    images: (n, y, x) standardised. responses, weight: (n, n_cells); the weight of what is not known is 0. Around every
    other pixel, responses are regressed on light and structure tensor, which has contours of all orientations.
    """
    parts = torch.cat([_local(some) for some in images.split(BATCH)], 1)
    parts = (parts - parts.mean(1, keepdim=True)).flatten(2)
    off = weight * (responses - (weight * responses).sum(0) / weight.sum(0).clamp(min=1e-9))
    within = torch.einsum("fnp,gnp->pfg", parts, parts)
    level = within.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp(min=1e-12)
    within = within + 1e-4 * level * torch.eye(len(parts), device=images.device)
    between = torch.einsum("fnp,nc->pfc", parts, off)
    explained = (between * torch.linalg.solve(within, between)).sum(1)
    explained = explained / (off**2).sum(0).clamp(min=1e-12)
    best, place = explained.max(0)
    columns = (images.shape[2] + 1) // 2
    x, y = (place % columns).float(), torch.div(place, columns, rounding_mode="floor").float()
    found = torch.stack([(4 * x + 1) / images.shape[2] - 1, (4 * y + 1) / images.shape[1] - 1], 1)
    found[best * len(images) < CHANCE] = torch.nan
    return found


def _local(images: Tensor) -> Tensor:
    """(4, n, y / 2, x / 2): light and the three products of its slopes, averaged around every other pixel."""
    slopes = torch.gradient(images, dim=(1, 2))
    parts = torch.stack([images, slopes[0] ** 2, slopes[1] ** 2, slopes[0] * slopes[1]])
    deviation = SIZE * min(images.shape[1:])
    reach = max(1, round(2.5 * deviation))
    window = torch.exp(-((torch.arange(-reach, reach + 1, device=images.device) / deviation) ** 2) / 2)
    window, flat = window / window.sum(), parts.flatten(0, 1)[:, None]
    flat = functional.conv2d(flat, window.view(1, 1, -1, 1), padding=(reach, 0), stride=(2, 1))
    flat = functional.conv2d(flat, window.view(1, 1, 1, -1), padding=(0, reach), stride=(1, 2))
    return flat.unflatten(0, parts.shape[:2])[:, :, 0]
