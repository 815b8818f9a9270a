"""Curation files are checked before any job, and hold for the results that they are about."""

from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError

from groundtrace.extraction.tables import Rois
from groundtrace.io import write_table
from groundtrace.running import layout
from groundtrace.running.identity import Identities
from groundtrace.running.plan import Plan
from tests.tables import example
from tests.unit.running.test_plan import WHERE, Wildcards, plan_of

RECIPES = {
    "default": {"spikes": "oasis"},
    "network": {"spikes": "network"},
    "still": {"motion": "none", "spikes": "oasis"},
}
HEADER = "session\tplane\troi\taccepted\n"


def planned(folder: Path, **files: str) -> Plan:
    """A plan with curation files: content by recipe, of the first session."""
    for recipe, content in files.items():
        write(folder, f"sub-a/ses-1/plane-0/{recipe}.tsv", content)
    return plan_of(folder, recipes=RECIPES, curation=str(folder / "curation"), results=str(folder / "results"))


def write(folder: Path, name: str, content: str = HEADER) -> Path:
    path = folder / "curation" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def identity(plan: Plan, **changes: str) -> dict:
    found = Identities(plan)("dff")
    assert callable(found)
    return found(Wildcards(WHERE | changes))


def test_a_file_decides_the_dff_of_its_plane_and_nothing_else(tmp_path):
    without = planned(tmp_path)
    assert without.curation(WHERE) is None
    plan = planned(tmp_path, default=HEADER + "sub-a/ses-1\t0\t1\tfalse\n")
    path = tmp_path / "curation/sub-a/ses-1/plane-0/default.tsv"
    assert plan.curation(WHERE).path == path
    assert identity(plan) == identity(without) | {"curation": plan.curation(WHERE).digest}
    for changes in ({"motion": "none"}, {"session": "sub-b/ses-1"}, {"session": "sub-b/ses-1", "plane": "1"}):
        assert identity(plan, **changes) == identity(without, **changes)
    # How it is laid out, and what its session is called, decides nothing.
    path.write_text("accepted\troi\nFALSE\t1\n")
    assert identity(planned(tmp_path)) == identity(plan)
    path.write_text("accepted\troi\nFALSE\t2\n")
    assert identity(planned(tmp_path)) != identity(plan)
    where = Wildcards(WHERE)
    for rule in ("motion", "extract", "spikes"):
        ours, theirs = Identities(plan)(rule), Identities(without)(rule)
        assert callable(ours)
        assert callable(theirs)
        assert ours(where) == theirs(where)


def test_recipes_with_the_same_rois_share_one_file(tmp_path):
    plan = planned(tmp_path, network=HEADER)
    own = "curation/sub-a/ses-1/plane-0"
    places = {
        recipe: plan.curation_path(Wildcards(session="sub-a/ses-1", plane="0", recipe=recipe)) for recipe in RECIPES
    }
    assert places == {name: f"{tmp_path}/{own}/{name.replace('default', 'network')}.tsv" for name in RECIPES}
    assert plan.curation(WHERE).recipe == "network"
    with pytest.raises(WorkflowError, match=r"network\.tsv and default\.tsv beside it are about the same ROIs"):
        planned(tmp_path, default=HEADER)


def test_every_wrong_file_is_told_before_any_job(tmp_path):
    write(tmp_path, "sub-b/ses-1/plane-1/default.tsv", HEADER + "sub-b/ses-1\t0\t3\ttrue\n")
    with pytest.raises(WorkflowError) as raised:
        planned(tmp_path, default=HEADER + "sub-a/ses-1\t0\t3\tmaybe\n", still="roi\tverdict\n")
    lines = str(raised.value).splitlines()
    assert [line.removeprefix(f"{tmp_path}/curation/").split(": ")[0] for line in lines] == [
        "sub-a/ses-1/plane-0/default.tsv",
        "sub-a/ses-1/plane-0/still.tsv",
        "sub-b/ses-1/plane-1/default.tsv",
    ]
    assert "accepted: 'maybe' is not allowed; write true or false" in lines[0]
    assert "unknown column 'verdict'" in lines[1]
    assert "line 2: plane: is of plane 0, and lies where that of plane 1 belongs" in lines[2]


def test_a_roi_that_does_not_exist_is_told_as_soon_as_the_rois_are_there(tmp_path):
    number = HEADER + "sub-a/ses-1\t0\t3\tfalse\n"
    planned(tmp_path, default=number)
    found = tmp_path / "results" / layout.FOUND.format(**WHERE)
    write_table(found, Rois, example(Rois, 3, pixel_y=[[1], [2], [3]], pixel_x=[[1], [2], [3]], weight=[[1.0]] * 3), {})
    with pytest.raises(WorkflowError, match="there is no ROI 3, the extraction has 3"):
        planned(tmp_path, default=number)
    planned(tmp_path, default=number.replace("\t3\t", "\t2\t"))


def test_a_file_that_holds_for_nothing_is_said_and_no_error(tmp_path, capsys):
    for name in (
        "sub-c/ses-1/plane-0/default.tsv",
        "sub-a/ses-1/plane-1/default.tsv",
        "sub-a/ses-1/plane-0/defalt.tsv",
    ):
        write(tmp_path, name, "anything")
    planned(tmp_path)
    said = capsys.readouterr().err
    assert "plane-0/default.tsv: is not used: the sheet has no session sub-c/ses-1; did you mean" in said
    assert "plane-1/default.tsv: is not used: sub-a/ses-1 has 1 plane(s), numbered from 0" in said
    assert "defalt.tsv: is not used: the config has no recipe defalt; did you mean 'default'?" in said
