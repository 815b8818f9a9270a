"""The CASCADE database (Rupprecht et al. 2021) in its own form: a folder per data set, a `.mat` file per neuron."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundtrace.groundtruth.importers.base import Neuron, Row, find_indicator, make_row, refuse
from groundtrace.groundtruth.parameters import GroundTruthSource

EVENT_UNIT = 1e-4
"""Spike times are stored in units of 0.1 ms; s."""
SPECIES = {"m": "mouse", "zf": "zebrafish"}
"""Folders that name no species are of mice."""
CLASSES = {"PV": "PV", "SST": "SST", "VIP": "VIP", "excitatory": "excitatory", "inhibitory": "interneuron"}


def import_cascade(files: list[Path], source: GroundTruthSource) -> Iterator[Row]:
    """Every recording of every file that its authors did not deactivate.

    Authors deactivate a neuron by changing the end of its file's name (`_mini.mat`), and a folder that begins with
    `X-` holds variants of neurons of other folders, but for simulated ones: both are left out, and said.
    """
    active = [path for path in files if path.name.endswith("_mini.mat") and not _is_variant(folder_of(path))]
    if len(active) < len(files):
        names = ", ".join(path.name for path in files if path not in active)
        warnings.warn(
            f"{len(files) - len(active)} files deactivated by their authors are left out: {names}", stacklevel=2
        )
    for path in active:
        yield from import_neuron(path, source)


def import_neuron(path: Path, source: GroundTruthSource) -> Iterator[Row]:
    """The recordings of one file; `recording` is the 0-based position of the trial in it."""
    trials = read_trials(path)
    neuron = describe(path, trials, source)
    for number, trial in enumerate(trials):
        names = trial.dtype.names or ()
        if "events_AP" in names and "fluo_time" in names and "fluo_mean" in names:
            spikes = np.ravel(trial["events_AP"]).astype(np.float64) * EVENT_UNIT
            row = make_row(neuron, number, trial["fluo_time"], trial["fluo_mean"], spikes)
            if row is not None:
                yield row


def read_trials(path: Path) -> list[Any]:
    """One structure with `fluo_time`, `fluo_mean`, `events_AP` per trial; the fields may be empty or absent."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, variable_names=["CAttached"])
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise refuse(path, f"not a readable MATLAB file up to version 7 ({error})", "download it again") from None
    if "CAttached" not in content:
        raise refuse(path, "has no variable `CAttached`, a list of trials", "use files of the CASCADE database")
    return [trial[0][0] for trial in content["CAttached"].ravel()]


def describe(path: Path, trials: list[Any], source: GroundTruthSource) -> Neuron:
    """What the names of folder and file say of a neuron, such as DS22-OGB1-m-SST-V1; the config goes before them."""
    dataset = folder_of(path)
    name = path.name.removesuffix("_mini.mat").removeprefix("CAttached_")
    indicator = source.indicator or find_indicator(dataset, name)
    if indicator is None:
        raise refuse(
            path, f"neither its name nor its folder {dataset!r} names an indicator", "set `indicator` in the config"
        )
    parts = re.split(r"-(m|zf)(?=-)", dataset, maxsplit=1)
    species, rest = (SPECIES[parts[1]], parts[2]) if len(parts) == 3 else ("mouse", dataset)
    words = [word for word in re.split(r"-", rest) if word]
    if "simulated" in words:
        species, area = "simulated", "simulated"
    else:
        area = " ".join(word for word in words if not _says_something_else(word))
    return Neuron(
        dataset,
        name,
        indicator,
        source.species or species,
        source.area or area,
        source.cell_class or _cell_class(dataset, trials),
    )


def _says_something_else(word: str) -> bool:
    """Whether a word of a folder's name is no brain area."""
    noise = ("neuropil", "corrected")
    return (
        word in CLASSES or word in noise or find_indicator(word) is not None or bool(re.fullmatch(r"DS\d+|X|\d+", word))
    )


def _cell_class(dataset: str, trials: list[Any]) -> str:
    for word in dataset.split("-"):
        if word in CLASSES:
            return CLASSES[word]
    noted = [str(np.ravel(trial["cell_type"])) for trial in trials if "cell_type" in (trial.dtype.names or ())]
    return "interneuron" if "interneuron" in " ".join([dataset, *noted]).lower() else "excitatory"


def _is_variant(dataset: str) -> bool:
    return dataset.startswith("X-") and not dataset.endswith("simulated")


def folder_of(path: Path) -> str:
    """The data set: the folder of a neuron's file."""
    return path.resolve().parent.name
