"""Results go to NWB, Suite2p, Fiji and MATLAB, making them runs nothing else again, and a session that starts from them
has the same dF/F and spike rates."""

import re
import shutil
from pathlib import Path

import numpy as np
import pynwb
from pynwb import NWBHDF5IO

import groundtrace
from groundtrace.io import read_table
from groundtrace.results import SessionResults
from groundtrace.tables import stack
from tests.workflow.conftest import SHEET, Project

CHAIN = "results/sub-c/ses-1/plane-{}/motion-given/denoise-given/extract-given"
COLUMNS = "subject\tsession\tplanes\tframe_rate\tindicator\tsimulate\tlocation\tstart_time\tsession_description\n"
ROWS = (
    "a\t1\t1\t30\tjGCaMP8m\tsmall\tVISp\t2026-03-01T14:05:00\tSpontaneous activity\n"
    "b\t1\t2\t15\tGCaMP6s\tsmall\tVISp\t2026-03-02T09:00:00+01:00\tSpontaneous activity\n"
)
ANIMALS = "subject\tspecies\tsex\tage\na\tMus musculus\tF\tP90D\nb\tMus musculus\tM\tP12W\n"
SCOPE = {"description": "Resonant microscope", "excitation_wavelength": 920, "emission_wavelength": 525}


def planned(project: Project, target: str) -> dict[str, int]:
    """Jobs for a target, by rule."""
    done = project.snakemake("-n", "--", target)
    assert done.returncode == 0, done.said
    jobs = re.findall(r"^(\w+) +(\d+)$", done.said, re.M)
    return {rule: int(count) for rule, count in jobs if rule not in (target, "total")}


def make(project: Project, target: str) -> None:
    done = project.snakemake("--", target)
    assert done.returncode == 0, done.said
    assert planned(project, target) == {}


def begin_again(project: Project, sheet: str, path: str, format: str, tolerance: float) -> None:
    """Start a session from what was exported of sub-b, and compare."""
    header, *rows = sheet.splitlines()
    empty = dict.fromkeys(header.split("\t"), "")
    values = empty | {"subject": "c", "session": "1", "planes": "2", "indicator": "GCaMP6s"}
    lines = [f"{header}\tpath\tformat", *rows, "\t".join([*values.values(), path, format])]
    (project.folder / "test.tsv").write_text("\n".join(lines) + "\n")
    made = [project.folder / CHAIN.format(plane) for plane in (0, 1)]
    project.run("--", *(f"{folder.relative_to(project.folder)}/spikes-network.parquet" for folder in made))
    study = groundtrace.open_study(project.folder / "results")
    for plane, folder in enumerate(made):
        same(folder, study.session("sub-b/ses-1", plane), tolerance)


def same(folder: Path, plane: SessionResults, tolerance: float) -> None:
    traces, spikes = (read_table(folder / name) for name in ("traces.parquet", "spikes-network.parquet"))
    np.testing.assert_allclose(stack(traces["dff"]), plane.traces("dff"), rtol=0, atol=tolerance)
    for name in ("rate", "rate_low", "rate_high"):
        np.testing.assert_allclose(stack(spikes[name]), plane.spikes(name), rtol=0, atol=tolerance)
    assert traces["accepted"].to_list() == plane.traces("dff").accepted.values.tolist()


def test_nwb_is_asked_for_what_it_needs_then_made_and_nothing_else(project):
    done = project.snakemake("--", "nwb")
    assert done.returncode != 0
    said = done.said
    for line in (
        "NWB: 2 of 2 session(s) lack what a file must say",
        "test.tsv: sub-a ses-1: start_time is empty",
        "config: microscopes is empty",
        "config/subjects.tsv: has no row for subject a",
    ):
        assert line in said
    assert not (project.folder / "results/nwb").exists()
    (project.folder / "test.tsv").write_text(COLUMNS + ROWS)
    (project.folder / "config/subjects.tsv").write_text(ANIMALS)
    project.configure(microscopes={"scope": SCOPE}, nwb={"time_zone": "Europe/Zurich"})
    assert planned(project, "nwb") == {"nwb_file": 2}
    make(project, "nwb")
    assert "warning" not in (project.folder / "results/logs/nwb/default/sub-b/sub-b_ses-1.log").read_text()
    check_files(project)
    project.configure(microscopes={"scope": SCOPE | {"numerical_aperture": 0.8}})
    assert planned(project, "nwb") == {}, "the optics of a microscope are in no NWB file"
    (project.folder / "config/subjects.tsv").write_text(ANIMALS.replace("P12W", "P13W"))
    assert planned(project, "nwb") == {"nwb_file": 1}
    file = "results/nwb/default/sub-b/sub-b_ses-1_ophys.nwb"
    begin_again(project, COLUMNS + ROWS, file, "nwb_rois", 1e-4)


def check_files(project: Project) -> None:
    study = groundtrace.open_study(project.folder / "results")
    for subject, planes in (("a", 1), ("b", 2)):
        path = project.folder / f"results/nwb/default/sub-{subject}/sub-{subject}_ses-1_ophys.nwb"
        assert pynwb.validate(path=str(path)) == []
        with NWBHDF5IO(path, "r") as opened:
            rates = opened.read().processing["ophys"]["Fluorescence"]
            for plane in range(planes):
                rate = study.session(f"sub-{subject}/ses-1", plane).spikes()
                np.testing.assert_array_equal(rates[f"Deconvolved{f'Plane{plane}' * (plane > 0)}"].data[:], rate.T)


def test_a_place_outside_the_atlas_is_told_and_leaves_no_file(project):
    (project.folder / "test.tsv").write_text(COLUMNS + ROWS.replace("VISp", "V1", 1))
    (project.folder / "config/subjects.tsv").write_text(ANIMALS)
    project.configure(microscopes={"scope": SCOPE}, nwb={"time_zone": "Europe/Zurich"})
    done = project.snakemake("--", "nwb")
    assert done.returncode != 0
    log = (project.folder / "results/logs/nwb/default/sub-a/sub-a_ses-1.log").read_text()
    assert "error: NWB: nwbinspector objects" in log
    assert "'V1' is not a term in the Allen Mouse Brain CCF" in log
    assert [path.name for path in (project.folder / "results/nwb").rglob("*.nwb")] == ["sub-b_ses-1_ophys.nwb"]


def test_folders_of_suite2p_are_made_of_every_plane(project):
    assert planned(project, "suite2p") == {"suite2p_folder": 3}
    make(project, "suite2p")
    study = groundtrace.open_study(project.folder / "results")
    folder = project.folder / "results/suite2p/default/sub-b/ses-1/plane1"
    names = ["F", "Fneu", "iscell", "ops", "spks", "stat"]
    assert sorted(path.name for path in folder.iterdir()) == ["F.npy", "Fall.mat", "Fneu.npy", "RoiSet.zip"] + [
        f"{name}.npy" for name in names[2:]
    ]
    session = study.session("sub-b/ses-1", 1)
    np.testing.assert_array_equal(np.load(folder / "F.npy"), session.traces("fluorescence"))
    assert groundtrace.load_traces(folder).roi.tolist() == session.rois().query("accepted").roi.tolist()
    begin_again(project, SHEET, f"{folder.parent}/plane0; {folder}", "suite2p_rois", 0)
    (project.folder / "test.tsv").write_text(SHEET)
    check_verdicts_of_the_gui(project, folder)


def check_verdicts_of_the_gui(project: Project, folder: Path) -> None:
    """What was changed in an exported folder, and what a folder of Suite2p says, counts in the next run."""
    assert "as it was exported" in project.run("--", "adopt_curation")
    assert not (project.folder / "curation").exists()
    verdict = np.load(folder / "iscell.npy")
    before = verdict[:, 0].copy()
    verdict[:2, 0] = 1 - verdict[:2, 0]
    np.save(folder / "iscell.npy", verdict)
    # Another one, as Suite2p made it, beside the file of the other session.
    linked = project.folder / "curation/sub-a/ses-1/plane-0/default"
    linked.parent.mkdir(parents=True)
    shutil.copytree(project.folder / "results/suite2p/default/sub-a/ses-1/plane0", linked)
    theirs = np.load(linked / "iscell.npy")
    theirs[:, 0] = 1
    np.save(linked / "iscell.npy", theirs)
    said = project.run("--", "adopt_curation")
    assert "2 verdicts changed in the GUI; in curation/sub-b/ses-1/plane-1/default.tsv" in said
    assert f"verdicts about {len(theirs)} of {len(theirs)} ROIs; in curation/sub-a/ses-1/plane-0/default.tsv" in said
    assert project.planned() == {"dff": 2, "spikes": 2, "session_report": 2, "study": 1}
    project.run()
    study = groundtrace.open_study(project.folder / "results")
    assert study.session("sub-b/ses-1", 1).rois().accepted.tolist() == [1 - before[0], 1 - before[1], *before[2:]]
    assert study.session("sub-a/ses-1").rois().accepted.all()
    assert len(study.session("sub-a/ses-1").curated) == len(theirs)
    assert project.planned() == {}
