"""Speed of spike inference per core, and memory on long recordings.

    OMP_NUM_THREADS=1 python measurements/spikes.py <folder of a CASCADE model>
    OMP_NUM_THREADS=1 python measurements/spikes.py <folder of a CASCADE model> --memory oasis

The first prints neuron-frames per CPU-second of every method and its ratio to CASCADE's sliding window, all measured
in this one run on one thread (simulated jGCaMP8m dF/F, 30 Hz, ν = 2, the best of three rounds). CASCADE's own way is
to cut out every window and to feed batches of them through a data loader; the second row leaves out the loader, which
collates window by window, and keeps only the network on ready batches of 1,024. The second command infers
1,000 neurons × 80,000 frames with one method and prints the peak of resident memory.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from groundtrace.indicators import indicators
from groundtrace.infer import backend_named, infer_spikes, release
from groundtrace.spikes.base import SpikeBackend
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.convex import Convex
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.noise import GAUSSIAN_DIFFERENCE

if TYPE_CHECKING:
    import torch

# Its import of torch, half a GiB, is left to those who need it: memory is measured here.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RATE = 30.0
BATCH = 1024
INDICATOR = indicators()["jGCaMP8m"]


def recording(neurons: int, frames: int, seed: int = 0) -> np.ndarray:
    """dF/F (neurons, frames) float32 with spikes at 0.8 Hz and noise of ν = 2."""
    generator = np.random.default_rng(seed)
    kernel = INDICATOR.amplitude * np.exp(-np.arange(60) / RATE / INDICATOR.decay_time)
    dff = np.empty((neurons, frames), np.float32)
    for row in dff:
        row[:] = np.convolve(generator.poisson(0.8 / RATE, frames), kernel)[:frames]
        row += generator.normal(0, 2 / 100 / GAUSSIAN_DIFFERENCE * np.sqrt(RATE), frames)
    return dff


def through_a_loader(trace: np.ndarray, members: "list[dict[str, torch.Tensor]]") -> None:
    import torch

    from tests.unit.spikes.cascade_windows import WINDOW, network

    windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(trace, WINDOW).copy())
    for state in members:
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(windows), batch_size=BATCH)
        with torch.inference_mode():
            np.concatenate([network(batch, state).numpy() for (batch,) in loader])


def speed(run: Callable[[np.ndarray], object], neurons: int, frames: int) -> float:
    """Neuron-frames per CPU-second, best of three rounds after a short one that imports and compiles."""
    dff = recording(neurons, frames)
    run(dff[:1, :500])
    spent = []
    for _ in range(3):
        start = time.process_time()
        run(dff)
        spent.append(time.process_time() - start)
    return dff.size / min(spent)


def compare(folder: Path) -> None:
    import torch

    from tests.unit.spikes.cascade_windows import load, spikes_per_frame

    torch.set_num_threads(1)
    members = load(folder, 2)
    print(f"{len(members)} members in CASCADE's ensemble; {torch.get_num_threads()} thread")

    def backend(method: SpikeBackend) -> Callable[[np.ndarray], object]:
        return lambda dff: method.run(dff, RATE, INDICATOR)

    rows = {
        "CASCADE, windows through a data loader": (
            lambda dff: [through_a_loader(row, members) for row in dff],
            1,
            20000,
        ),
        "CASCADE, windows in ready batches": (
            lambda dff: [spikes_per_frame(row, members, BATCH) for row in dff],
            1,
            20000,
        ),
        "cascade (dense)": (backend(Cascade(model=folder)), 10, 20000),
        "oasis": (backend(Oasis()), 50, 20000),
        "oasis, order 2": (backend(Oasis(order=2)), 10, 20000),
        "convex": (backend(Convex()), 2, 20000),
        "network": (backend(Network()), 20, 20000),
        "network, 1,000 frames": (backend(Network()), 200, 1000),
    }
    speeds = {name: speed(*row) for name, row in rows.items()}
    print(f"{'':40s} neuron-frames/CPU-s   ratio to loader   ratio to batches")
    loader, batches = list(speeds.values())[:2]
    for name, value in speeds.items():
        print(f"{name:40s} {value:19,.0f} {value / loader:17.1f} {value / batches:18.1f}")


def peak_memory(method: SpikeBackend, neurons: int, frames: int) -> None:
    def resident() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    with tempfile.TemporaryDirectory() as folder:
        # In pieces, and on disk: what is measured is inference, not the making of its input.
        dff = np.lib.format.open_memmap(f"{folder}/dff.npy", "w+", np.float32, (neurons, frames))
        for start in range(0, neurons, 20):
            dff[start : start + 20] = recording(min(20, neurons - start), frames, seed=start)
            release(dff)
        dff = np.load(f"{folder}/dff.npy", mmap_mode="r")
        before, start = resident(), time.process_time()
        infer_spikes(dff, RATE, INDICATOR.name, method, out=f"{folder}/spikes")
        print(
            f"{neurons} neurons × {frames} frames: peak {resident():.0f} MiB resident, {before:.0f} MiB before; "
            f"{time.process_time() - start:.0f} CPU-seconds"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a CASCADE model for 30 Hz")
    parser.add_argument("--memory", metavar="METHOD", help="peak memory of cascade, oasis, convex or network")
    parser.add_argument("--neurons", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=80000)
    given = parser.parse_args()
    if given.memory:
        method = Cascade(model=given.model) if given.memory == "cascade" else backend_named(given.memory)
        peak_memory(method, given.neurons, given.frames)
    else:
        compare(given.model)


if __name__ == "__main__":
    main()
