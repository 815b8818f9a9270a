"""CASCADE as published: every window cut out and evaluated on its own. The slow reference of the dense evaluation."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import conv1d, linear, max_pool1d

WINDOW = 64


def load(folder: Path, level: int) -> list[dict[str, torch.Tensor]]:
    files = sorted(folder.glob(f"Model_NoiseLevel_{level}_Ensemble_*.pth"))
    return [torch.load(path, weights_only=True) for path in files]


def network(windows: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Spikes per frame of windows (n, 64)."""
    x = conv1d(windows[:, None], state["conv1.weight"], state["conv1.bias"]).relu()
    x = conv1d(x, state["conv2.weight"], state["conv2.bias"]).relu()
    x = max_pool1d(x, 2)
    x = conv1d(x, state["conv3.weight"], state["conv3.bias"]).relu()
    x = max_pool1d(x, 2)
    x = linear(x.transpose(1, 2), state["dense1.weight"], state["dense1.bias"]).relu()
    return linear(x.flatten(1), state["dense2.weight"], state["dense2.bias"])[:, 0]


def spikes_per_frame(trace: np.ndarray, members: list[dict[str, torch.Tensor]], batch: int = 1024) -> np.ndarray:
    """Mean over the ensemble for each whole window of `trace` (n_frames,): (n_frames - 63,), at frames 32, 33, ..."""
    windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(trace.astype(np.float32), WINDOW).copy())
    with torch.inference_mode():
        outputs = [torch.cat([network(part, state) for part in windows.split(batch)]) for state in members]
    return torch.stack(outputs).mean(dim=0).numpy()
