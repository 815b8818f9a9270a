"""Encoding models in the plan: what is made, and what a change makes anew."""

from pathlib import Path

import numpy as np
import pytest
from snakemake.exceptions import WorkflowError

from groundtrace.running.identity import Identities
from groundtrace.running.inputs import Inputs
from groundtrace.running.plan import Plan
from tests.unit.running.wildcards import Wildcards

ROOT = Path(__file__).resolve().parents[3]
SHEET = """\
subject\tsession\tframe_rate\tindicator\tsimulate\tstimuli\tstimulus_images
a\t1\t30\tjGCaMP8m\tsmall\tstimuli.csv\timages.npy
b\t1\t30\tjGCaMP8m\tsmall\tstimuli.csv\t
"""
CONFIG = {"sessions": "sessions.tsv", "simulation": {"small": {"frames": 300, "height": 96, "width": 96}}}
MODELS = {"ln": {"backend": "linear"}, "cnn": {"backend": "network"}}
BEFORE = ("ingest", "spikes", "presentations", "responses", "stimulus_images")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stimuli.csv").write_text("start_time,stop_time,image\n1,1.5,0\n2,2.5,1\n3,3.5,0\n")
    np.save(tmp_path / "images.npy", np.zeros((2, 4, 4)))
    return tmp_path


def plan_of(sheet: str = SHEET, **config: object) -> Plan:
    Path("sessions.tsv").write_text(sheet)
    return Plan.read({**CONFIG, **config}, ROOT / "workflow/scripts")


def identities(plan: Plan) -> dict[str, object]:
    """By rule; of each encoding model by its name."""
    methods = {"motion": "phase", "denoise": "none", "extract": "transients", "spikes": "network"}
    where = Wildcards(session="sub-a/ses-1", plane="0", recipe="default", **methods)
    found = {rule: Identities(plan)(rule) for rule in (*BEFORE, "encoding", "encoding_report")}
    fits = Identities(plan)("encoding_model")
    assert callable(fits)
    told = {rule: of(where) if callable(of) else of for rule, of in found.items()}
    return told | {name: fits(Wildcards(where, encode=name)) for name in plan.config.encode}


def changed(plan: Plan, before: dict[str, object]) -> set[str]:
    after = identities(plan)
    return {rule for rule in after if after[rule] != before.get(rule)}


def test_a_changed_encoder_makes_nothing_anew_before_or_beside_it(folder):
    before = identities(plan_of(encode=MODELS))
    assert changed(plan_of(encode={**MODELS, "ln": {"backend": "linear", "smoothness": 2}}), before) == {"ln"}
    assert changed(plan_of(encode={**MODELS, "more": {"backend": "gabor"}}), before) == {"more"}
    assert changed(plan_of(encode=MODELS, encoding={"steps": 9}), before) == {"encoding"}
    assert changed(plan_of(encode=MODELS, encoding={"folds": 4}), before) == {"ln", "cnn", "encoding"}
    Path("images.npy").rename("moved.npy")
    assert changed(plan_of(SHEET.replace("images.npy", "moved.npy"), encode=MODELS), before) == set()
    np.save("other.npy", np.ones((2, 4, 4)))
    assert changed(plan_of(SHEET.replace("images.npy", "other.npy"), encode=MODELS), before) == {"stimulus_images"}


def test_sessions_with_images_have_a_page_of_their_own_where_there_are_models():
    pages = Inputs(plan_of(encode=MODELS)).encoding_pages()
    assert pages == ["results/sub-a/ses-1/plane-0/encoding-default.html"]
    assert Inputs(plan_of()).encoding_pages() == []
    steps = {row.session: [step.stage for step in row.steps] for row in plan_of(encode=MODELS).study.rows}
    assert steps["sub-a/ses-1"][-4:] == ["encoding model", "encoding model", "encode", "report"]
    assert "encode" not in steps["sub-b/ses-1"]


def test_the_target_says_what_is_missing():
    assert Inputs(plan_of(encode=MODELS)).encode(Wildcards()) == ["results/sub-a/ses-1/plane-0/encoding-default.html"]
    with pytest.raises(WorkflowError, match="the config has no models"):
        Inputs(plan_of()).encode(Wildcards())
    with pytest.raises(WorkflowError, match="no session of the sheet has stimulus_images"):
        Inputs(plan_of(SHEET.replace("images.npy", ""), encode=MODELS)).encode(Wildcards())
