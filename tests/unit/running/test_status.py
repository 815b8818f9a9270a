"""How far a study is, from files, marks and logs."""

import fcntl
import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from groundtrace.config import load
from groundtrace.running.layout import STAGES, Entry, study_entries
from groundtrace.running.status import is_working, merged, state_of, status, under_way
from groundtrace.sessions import Session

ROOT = Path(__file__).resolve().parents[3]
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def entries(tmp_path) -> tuple[Entry, ...]:
    """Three recordings, one simulated, with two recipes that share everything but spike inference."""
    recipes = {"default": {}, "slow": {"spikes": "oasis"}}
    config = load({"results": str(tmp_path / "results"), "recipes": recipes, "simulation": {"x": {}}})
    sheet = [{"simulate": "x", "frame_rate": 30}, {"path": "b.tif"}, {"path": "c.tif"}]
    sessions = [
        Session.model_validate({"subject": name, "session": "1", "indicator": "GCaMP6s", **row})
        for name, row in zip("abc", sheet, strict=True)
    ]
    return study_entries(config, {session.key: session for session in sessions}).rows


def make(entry: Entry, *stages: str) -> None:
    for step in entry.steps:
        if step.stage in stages:
            for path in (step.log, step.file):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("reading\n")


def counts(text: str) -> dict[str, tuple[int, ...]]:
    """Numbers of each line of the table: done, running, failed, to do."""
    rows = [line.split() for line in text.split("\n\n")[0].splitlines()[1:]]
    return {" ".join(row[:-4]): tuple(int(number.replace(",", "")) for number in row[-4:]) for row in rows}


def test_steps_are_counted_once_and_recipes_by_their_rows(entries):
    for entry in entries[:2]:
        make(entry, *(stage.name for stage in STAGES))
    make(entries[2], "ingest", "motion")
    log = next(step.log for step in entries[2].steps if step.stage == "extract")
    log.write_text("reading\nerror: b.tif: no cell in it; look at the mean image\n")
    marked = frozenset({entries[4].file("ingest").as_posix()})

    text = status(entries, True, marked)
    assert counts(text) == {
        "step simulate": (1, 0, 0, 0),
        "step ingest": (2, 1, 0, 0),
        "step motion": (2, 0, 0, 1),
        "step extract": (1, 0, 1, 1),
        "step dff": (1, 0, 0, 2),
        "step spikes": (2, 0, 0, 4),
        "step report": (2, 0, 0, 4),
        "recipe default": (1, 1, 1, 0),
        "recipe slow": (1, 1, 1, 0),
    }
    assert text.count("no cell in it; look at the mean image") == 1
    assert log.as_posix() in text
    # The same marks, left by a run that is no more.
    stopped = status(entries, False, marked)
    assert counts(stopped)["step ingest"] == (2, 0, 1, 0)
    assert "run the same command again" in stopped


def test_many_failures_are_cut_short(entries):
    for entry in entries[2:]:
        log = entry.steps[0].log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("error: the disk is full\n")
    assert status(entries, False, NOTHING, listed=1).count("the disk is full") == 1
    assert "and 1 more" in status(entries, False, NOTHING, listed=1)


def test_a_result_that_is_being_made_again_is_not_done(entries):
    make(entries[0], "dff")
    step = next(step for step in entries[0].steps if step.stage == "dff")
    assert state_of(step, True, False, NOTHING).name == "done"
    assert state_of(step, True, True, frozenset({step.file.as_posix()})).name == "running"


def test_a_log_of_an_earlier_time_is_no_failure(entries):
    """The steps before it are to do again."""
    extract, dff = (next(step for step in entries[2].steps if step.stage == stage) for stage in ("extract", "dff"))
    make(entries[2], "ingest", "motion")
    for step in (extract, dff):
        step.log.parent.mkdir(parents=True, exist_ok=True)
        step.log.write_text("error: no cell in it\n")
    failed = counts(status(entries, False, NOTHING))
    assert failed["step extract"][2] == 1
    assert failed["step dff"][2] == 0


def test_snakemakes_marks_are_read(tmp_path):
    short, long = "results/sub-a/x.npz", "results/" + "y" * 300
    marks = tmp_path / "incomplete"
    for name in (short, long):
        code = urlsafe_b64encode(name.encode()).decode()
        parts = [code[start : start + 254] for start in range(0, len(code), 254)]
        path = marks.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    (marks / "migration_underway").write_text("")
    assert under_way(tmp_path) == {short, long}


def test_a_run_is_known_by_its_locks(tmp_path):
    results, folder = tmp_path / "results", tmp_path / ".snakemake"
    assert not is_working(results, folder)
    results.mkdir()
    with (results / ".running").open("w") as held:
        assert not is_working(results, folder)
        fcntl.flock(held, fcntl.LOCK_EX)
        assert is_working(results, folder)
    assert not is_working(results, folder)
    (folder / "locks").mkdir(parents=True)
    (folder / "locks" / "0.output.lock").write_text("")
    assert is_working(results, folder)


def test_configs_are_joined_key_by_key(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("dff: {baseline: {window: 60, percentile: 10}}\nresults: results\nkeep: [a]\n")
    second.write_text("dff: {baseline: {window: 30}}\nresults: demo\nkeep: []\n")
    expected = {"dff": {"baseline": {"window": 30, "percentile": 10}}, "results": "demo", "keep": []}
    assert merged([first, second]) == expected


def test_the_command_answers_and_names_a_wrong_config():
    command = [sys.executable, "-m", "groundtrace.running.status"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/src")}

    def ask(config: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, config], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    said = ask("config/demo/config.yaml")
    assert said.returncode == 0, said.stderr
    assert "2 sessions, 3 rows" in said.stdout
    wrong = ask("config/nothing.yaml")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: config/nothing.yaml does not exist")


def test_a_bad_row_is_named_beside_the_others(tmp_path):
    config, sheet = tmp_path / "config.yaml", tmp_path / "sheet.tsv"
    sheet.write_text(
        "subject\tsession\tpath\tindicator\tframe_rate\n"
        "a\t1\tgone.tif\tGCaMP6s\t30\nb\t1\tgone.tif\tGCaMP6s\t30\nc\t1\tc.tif\tGCaMP6s\t0\n"
    )
    config.write_text(f"sessions: {sheet}\nresults: {tmp_path}/results\n")
    done = tmp_path / "results/sub-a/ses-1/plane-0/acquisition.json"
    done.parent.mkdir(parents=True)
    done.touch()
    command = [sys.executable, "-m", "groundtrace.running.status", str(config)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/src")}
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "2 sessions" in said.stdout
    assert "row 2 (sub-a ses-1): path: 'gone.tif' does not exist; its results stay, and can no longer be" in said.stderr
    assert "row 3 (sub-b ses-1): path: 'gone.tif' does not exist; it has no results, and fails" in said.stderr
    assert "row 4 (sub-c ses-1): frame_rate: '0' is not allowed" in said.stderr
