"""The column `stimuli`: what is wrong is said before any job starts, and what depends on it is made anew."""

from pathlib import Path

import numpy as np
import pytest
from snakemake.exceptions import WorkflowError

from groundtrace.running import layout
from groundtrace.running.identity import Identities
from groundtrace.running.inputs import Inputs
from groundtrace.running.plan import Plan
from tests.unit.running.wildcards import Wildcards

ROOT = Path(__file__).resolve().parents[3]
SHEET = """\
subject\tsession\tframe_rate\tindicator\tsimulate\tstimuli\tstimulus_images
a\t1\t30\tjGCaMP8m\tsmall\tstimuli.csv\timages.npy
b\t1\t30\tjGCaMP8m\tsmall\t\t
"""
CONFIG = {"sessions": "sessions.tsv", "simulation": {"small": {"frames": 300, "height": 96, "width": 96}}}
STIMULI = "start_time,stop_time,image\n1,1.5,0\n2,2.5,1\n3,3.5,0\n"
RULES = ("ingest", "spikes", "presentations", "responses")


def where(subject: str) -> Wildcards:
    methods = {"motion": "phase", "denoise": "none", "extract": "transients", "spikes": "network"}
    return Wildcards(session=f"sub-{subject}/ses-1", plane="0", recipe="default", **methods)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stimuli.csv").write_text(STIMULI)
    np.save(tmp_path / "images.npy", np.zeros((2, 4, 4)))
    return tmp_path


def plan_of(sheet: str = SHEET, **config: object) -> Plan:
    Path("sessions.tsv").write_text(sheet)
    return Plan.read({**CONFIG, **config}, ROOT / "workflow/scripts")


def identities(plan: Plan) -> dict[str, object]:
    found = {rule: Identities(plan)(rule) for rule in RULES}
    return {rule: of(where("a")) if callable(of) else of for rule, of in found.items()}


def changed(plan: Plan, before: dict[str, object]) -> set[str]:
    after = identities(plan)
    return {rule for rule in RULES if after[rule] != before[rule]}


def test_only_what_depends_on_it_is_made_anew(folder):
    before = identities(plan_of())
    assert changed(plan_of(responses={"latency": 0.1}), before) == {"responses"}
    assert changed(plan_of(responses={"conditions": []}), before) == {"presentations", "responses"}
    assert changed(plan_of(SHEET.replace("\timages.npy", "\t")), before) == set()
    Path("stimuli.csv").rename("moved.csv")
    assert changed(plan_of(SHEET.replace("stimuli.csv", "moved.csv")), before) == set()
    Path("other.csv").write_text(STIMULI.replace("3.5", "3.6"))
    assert changed(plan_of(SHEET.replace("stimuli.csv", "other.csv")), before) == {"presentations"}


def test_only_sessions_with_stimuli_have_responses():
    plan = plan_of()
    inputs = {name: Inputs(plan).session_page(where(name)) for name in ("a", "b")}
    assert inputs["a"].keys() - inputs["b"].keys() == set(layout.STIMULATED)
    steps = {row.session: [step.stage for step in row.steps] for row in plan.study.rows}
    assert steps["sub-a/ses-1"][-3:] == ["presentations", "responses", "report"]
    assert steps["sub-b/ses-1"][-2:] == ["spikes", "report"]


@pytest.mark.parametrize(
    ("stimuli", "said"),
    [
        (None, "row 2 (sub-a ses-1): stimuli: 'stimuli.csv' does not exist"),
        (STIMULI + "9,11,0\n", "stimuli: stimuli.csv: 1 of 4 presentations lie outside the recording"),
        ("start_time,stop_time,image\n1,1.5,0\n2,2.5,1\n", "stimuli: stimuli.csv: nothing is shown twice"),
        (STIMULI + "4,5,2\n", "row 2 (sub-a ses-1): stimulus_images: images.npy: has no image '2'"),
    ],
)
def test_what_is_wrong_is_said_before_any_job(stimuli, said):
    if stimuli is None:
        Path("stimuli.csv").unlink()
    else:
        Path("stimuli.csv").write_text(stimuli)
    with pytest.raises(WorkflowError) as raised:
        plan_of()
    assert said in str(raised.value)


def test_images_without_presentations_are_refused():
    with pytest.raises(WorkflowError, match="the images are given, and not when they were shown; fill stimuli too"):
        plan_of(SHEET.replace("\tstimuli.csv\t", "\t\t"))


SEEN = {"frames": 300, "stimulus": {"images": "gratings", "n_images": 6, "repeats": 2, "grey": 0}}


def simulated(sheet: str = "", **stimulus: object) -> Plan:
    seen = {**SEEN, "stimulus": {**SEEN["stimulus"], **stimulus}}
    given = sheet or "subject\tsession\tframe_rate\tindicator\tsimulate\na\t1\t30\tjGCaMP8m\tseen\n"
    return plan_of(given, simulation={"small": {"frames": 300}, "seen": seen})


def made_by(plan: Plan) -> object:
    """Identity of the simulation."""
    of = Identities(plan)("simulate")
    assert callable(of)
    return of(where("a"))


def test_a_simulated_stimulus_is_found_as_one_of_the_sheet():
    plan = simulated()
    made = "results/sub-a/ses-1/truth/stimuli.parquet"
    assert plan.sessions["sub-a/ses-1"].stimuli == made
    assert Inputs(plan).stimuli(where("a")) == [made]
    assert Inputs(plan_of()).stimuli(where("a")) == []
    assert set(layout.STIMULATED) <= Inputs(plan).session_page(where("a")).keys()
    (row,) = plan.study.rows
    assert [step.stage for step in row.steps][-3:] == ["presentations", "responses", "report"]
    assert row.stimulated
    # What is shown is an input of presentations, and decides the simulation alone.
    assert changed(simulated(repeats=3), identities(plan)) == set()
    assert made_by(plan) != made_by(simulated(repeats=3))


def test_a_simulated_stimulus_must_fit_the_recording_and_be_the_only_one():
    with pytest.raises(WorkflowError, match=r"row 2 \(sub-a ses-1\): simulation: frames: 300 at 30 Hz are too few"):
        simulated(repeats=50)
    both = "subject\tsession\tframe_rate\tindicator\tsimulate\tstimuli\na\t1\t30\tjGCaMP8m\tseen\tstimuli.csv\n"
    with pytest.raises(WorkflowError, match="the simulation 'seen' shows a stimulus of its own; empty the columns"):
        simulated(both)


NETWORK = {"network": "weights.pth", "fitted": 1, "height": 36, "width": 64}


def test_the_network_of_fitted_cells_must_be_there_and_counts_by_its_content():
    with pytest.raises(
        WorkflowError, match=r"simulation\.seen\.stimulus\.network: 'weights\.pth' is no file; give that"
    ):
        simulated("", **NETWORK)

    def identity(**own: object) -> object:
        return made_by(simulated("", **(NETWORK | own)))

    Path("weights.pth").write_bytes(b"weights")
    before = identity()
    assert simulated("", **NETWORK).fitted_cells
    assert not simulated().fitted_cells
    Path("weights.pth").rename("moved.pth")
    assert identity(network="moved.pth") == before
    Path("other.pth").write_bytes(b"others")
    assert identity(network="other.pth") != before


def test_true_spikes_are_judged_with_the_first_recipe_of_the_same_rois():
    own = {"motion": "none", "extract": "transients"}
    recipes = {"a": {**own, "spikes": "network"}, "b": {**own, "spikes": "oasis"}, "c": {**own, "motion": "phase"}}
    plan = plan_of(recipes=recipes)
    assert [plan.leads(Wildcards(recipe=name)) for name in "abc"] == [True, False, True]
