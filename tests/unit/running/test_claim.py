"""One run at a time, one process a step, and a reason for every job that Slurm ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from groundtrace.errors import InputError
from groundtrace.running import claim
from groundtrace.running.job import INTERRUPTED

SOURCE = str(Path(claim.__file__).parents[2])
LOG = """\
[Sun Nov 22 14:38:13 2026]
Error in rule extract:
    message: SLURM-job '9' failed, SLURM status is: '{state}'. For further error details see the cluster/cloud log.
    jobid: 13
    output: results/rois.parquet
    log: {log}, /project/.snakemake/slurm_logs/rule_extract/9.log (check log file(s) for error details)
    external_jobid: 9
[Sun Nov 22 14:38:15 2026]
Finished jobid: 5 (Rule: motion)
"""


@pytest.fixture
def python() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts Python on some code; what still runs at the end of the test is killed."""
    environment = os.environ | {"PYTHONPATH": SOURCE}
    with ExitStack() as started:

        def start(code: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", code]
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_run_is_refused_and_a_killed_one_holds_nothing(tmp_path, python):
    code = f"from groundtrace.running import claim as r; print(r.claim({str(tmp_path)!r})); r.note('run-1'); "
    first = python(code + "print('claimed', flush=True); import time; time.sleep(60)")
    assert (said(first), said(first)) == ("None", "claimed")
    with pytest.raises(InputError, match=f"process {first.pid} on"):
        claim.claim(tmp_path)

    first.kill()
    first.wait()
    noted = claim.claim(tmp_path)
    assert noted is not None
    assert noted["slurm"] == "run-1"
    assert abs(noted["since"] - time.time()) < 60
    claim.release()
    assert claim.claim(tmp_path) is None
    claim.release()


def test_a_step_waits_for_another_process_that_does_it(tmp_path, python):
    log = tmp_path / "step.log"
    code = f"from groundtrace.running.job import job\nimport time\nwith job({str(log)!r}):\n"
    code += "    print('begun', flush=True)\n"
    first = python(code + "    time.sleep(60)")
    while not log.exists() or not log.read_text():
        time.sleep(0.05)
    second = python(code + "    print('second')")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(2)
    assert "second" not in log.read_text()
    first.kill()
    assert second.wait(30) == 0
    assert log.read_text().splitlines()[-1] == "second"


@pytest.mark.parametrize(("sent", "said"), [(signal.SIGTERM, claim.STOPPED), (signal.SIGINT, INTERRUPTED)])
def test_a_step_that_is_stopped_cleans_up_and_says_so(tmp_path, python, sent, said):
    log, output = tmp_path / "step.log", tmp_path / "out" / "table.txt"
    step = python(
        "from groundtrace.io import atomic\nfrom groundtrace.running.job import job\nimport time\n"
        f"with job({str(log)!r}), atomic({str(output)!r}) as path:\n    path.write_text('half')\n    time.sleep(60)"
    )
    while not list(output.parent.glob(".table*")) or not next(output.parent.glob(".table*")).read_text():
        time.sleep(0.05)
    step.send_signal(sent)
    assert step.wait(30) == 1
    assert log.read_text().splitlines()[-1] == f"error: {said}"
    assert "Traceback" not in log.read_text()
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("own", "state", "last"),
    [
        ("half a line", "OUT_OF_MEMORY", "error: Slurm ended job 9: OUT_OF_MEMORY (it needed more than its mem_mb"),
        (f"error: {claim.STOPPED}", "TIMEOUT", "error: Slurm ended job 9: TIMEOUT (it needed more than its runtime"),
        ("error: movie.tif: truncated", "FAILED", "error: movie.tif: truncated"),
    ],
)
def test_slurm_says_why_when_a_step_could_not(tmp_path, own, state, last):
    log = tmp_path / "extract.log"
    log.write_text(f"begun\n{own}\n")
    claim.explain(LOG.format(state=state, log=log))
    assert log.read_text().splitlines()[-1].startswith(last)


def test_without_slurm_a_killed_run_of_slurm_is_not_passed_over(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="may still write results"):
        claim.cancel("run-1")


def test_the_note_says_who(tmp_path):
    claim.claim(tmp_path)
    claim.note("run-2")
    noted = json.loads((tmp_path / ".running").read_text())
    assert (noted["process"], noted["slurm"]) == (os.getpid(), "run-2")
    claim.release()
