"""Memory and CPU time of the rules that read results of other pipelines and write them for other programs.

    PYTHONPATH=workflow/src python measurements/elsewhere.py --folder /scratch [--sizes 300x20000 500x60000]

Makes a Suite2p folder and a CaImAn file of so many ROIs and frames of noise, which compresses least; starts a session
from each, exports the first to NWB and to a Suite2p folder, and starts another one from the NWB file. Prints, for each
of these rules, the size of its input, its peak of resident memory, and its CPU time.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import yaml

from resources import ROOT, Watch, Watched

FIELD = 512
RATE = 30.0
CHAIN = "{}/sub-{}/ses-1/plane-0/motion-given/denoise-given/extract-given"
COLUMNS = "subject\tsession\tpath\tformat\tindicator\tlocation\tstart_time\tsession_description\n"
ROW = "{}\t1\t{}\t{}\tGCaMP6s\tVISp\t2026-03-01T14:05:00+01:00\tNoise\n"
CONFIG = {
    "recipes": {"default": {"motion": "phase", "denoise": "none", "extract": "transients", "spikes": "oasis"}},
    "nwb": {"microscopes": {"scope": {"description": "a", "excitation_wavelength": 920, "emission_wavelength": 525}}},
}


def suite2p(folder: Path, rois: int, frames: int) -> Path:
    """A plane folder of noise with ROIs of 100 px."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for name, light in (("F", 300), ("Fneu", 100)):
        np.save(folder / f"{name}.npy", random.normal(light, 10, (rois, frames)).astype(np.float32))
    np.save(folder / "iscell.npy", np.ones((rois, 2)))
    y, x = (grid.ravel() for grid in np.mgrid[:10, :10])
    corners = random.integers(0, FIELD - 10, (rois, 2))
    stat = [{"ypix": y + top, "xpix": x + left, "lam": np.ones(100)} for top, left in corners]
    np.save(folder / "stat.npy", np.array(stat, object), allow_pickle=True)
    ops = {"Ly": FIELD, "Lx": FIELD, "fs": RATE, "nframes": frames, "meanImg": np.ones((FIELD, FIELD), np.float32)}
    np.save(folder / "ops.npy", np.array(ops, object), allow_pickle=True)
    return folder


def caiman(path: Path, rois: int, frames: int) -> Path:
    """A file of CaImAn, of double precision, with ROIs of 100 px."""
    random = np.random.default_rng(0)
    content = {
        "A/data": np.full(100 * rois, 0.1),
        "A/indices": np.concatenate([np.arange(100) + FIELD * k for k in range(rois)]),
        "A/indptr": np.arange(rois + 1) * 100,
        "A/shape": np.array([FIELD**2, rois]),
        "C": random.normal(300, 1, (rois, frames)),
        "YrA": random.normal(0, 10, (rois, frames)),
        "b": np.ones((FIELD**2, 1)),
        "f": np.ones((1, frames)),
        "dims": np.array([FIELD, FIELD]),
    }
    with h5py.File(path, "w") as file:
        file["params/data/fr"] = RATE
        for name, value in content.items():
            file[f"estimates/{name}"] = value
    return path


def run(config: Path, *targets: str) -> list[Watched]:
    """Make targets; what was seen of each job."""
    watch = Watch()
    watch.start()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", str(config), "--", *targets]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    watch.ended.set()
    watch.join()
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return [seen for seen in watch.found.values() if seen]


def megabytes(*files: Path) -> float:
    return sum(file.stat().st_size for file in files) / 1e6


def measure(folder: Path, size: str) -> None:
    rois, frames = map(int, size.split("x"))
    results, sheet = folder / size / "results", folder / size / "sessions.tsv"
    source = suite2p(folder / size / "plane0", rois, frames)
    animals, config = folder / size / "subjects.tsv", folder / size / "config.yaml"
    animals.write_text("subject\tspecies\tsex\tage\na\tMus musculus\tF\tP90D\n")
    where = {"sessions": str(sheet), "results": str(results), "subjects": str(animals)}
    config.write_text(yaml.safe_dump(CONFIG | where))
    components = caiman(folder / size / "results.hdf5", rois, frames)
    sheet.write_text(COLUMNS + ROW.format("a", source, "suite2p_rois") + ROW.format("c", components, "caiman_rois"))
    nwb, plane = results / "nwb/default/sub-a/sub-a_ses-1_ophys.nwb", Path(CHAIN.format(results, "a"))
    other = CHAIN.format(results, "c") + "/fluorescence.parquet"
    seen = run(config, str(nwb), str(results / "suite2p/default/sub-a/ses-1/plane0/ops.npy"), other)
    sheet.write_text(sheet.read_text() + ROW.format("b", nwb, "nwb_rois"))
    seen += run(config, CHAIN.format(results, "b") + "/fluorescence.parquet")
    tables = megabytes(*(plane / f"{name}.parquet" for name in ("rois", "traces", "spikes-oasis")))
    inputs = {
        "sub-a/ses-1/plane-0/adopt": ("adopt, Suite2p", megabytes(*source.iterdir())),
        "sub-b/ses-1/plane-0/adopt": ("adopt, NWB", megabytes(nwb)),
        "sub-c/ses-1/plane-0/adopt": ("adopt, CaImAn", megabytes(components)),
        "nwb/": ("nwb_file", tables),
        "suite2p/": ("suite2p_folder", tables),
    }
    for job in sorted(seen, key=lambda job: job.step):
        for step, (rule, large) in inputs.items():
            if job.step.startswith(step) and job.cpu:
                figures = (large, job.peak, job.anonymous, job.cpu)
                print(f"| {rule} | {rois} × {frames:,} |", " | ".join(f"{figure:.0f}" for figure in figures), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sizes", nargs="*", default=("300x20000", "500x60000"))
    given = parser.parse_args()
    print("| rule | ROIs × frames | MB of its input | peak MB | without files | CPU s |")
    print("|---|---|---|---|---|---|")
    for size in given.sizes:
        measure(given.folder.resolve(), size)


if __name__ == "__main__":
    main()
