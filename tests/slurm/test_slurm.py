"""`snakemake --profile slurm` on a real Slurm: ten sessions, the faults of a weekend, and only what changed."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import tifffile

from groundtrace.running.layout import ANIMALS, SHEET
from tests.slurm.conftest import SESSIONS, SlurmJob, Study, queue, slurm, wait_for, worker

Fault = Callable[[SlurmJob, int], Callable[[], bool] | None]


def at_work(study: Study, session: str) -> tuple[SlurmJob, int] | None:
    """Slurm job and process that extract a session now."""
    what = f"rule_extract_wildcards_{session.replace('/', '_')}_"
    process = worker(study, session, "extract-suite2p")
    job = next((job for job in queue("RUNNING") if job.what.startswith(what)), None)
    return (job, process) if job and process else None


def wait_for_work(study: Study, run: subprocess.Popen[bytes], session: str) -> None:
    inject(study, run, {session: lambda job, process: None})


def inject(study: Study, run: subprocess.Popen[bytes], faults: dict[str, Fault]) -> None:
    """Do each session's fault as soon as its extraction is at work, and what a fault leaves to do, when that can be."""
    later: list[Callable[[], bool]] = []
    while faults or later:
        assert run.poll() is None, f"the run ended, and these had no fault yet: {list(faults)}"
        for session in list(faults):
            if found := at_work(study, session):
                after = faults.pop(session)(*found)
                later += [after] if after else []
        later = [step for step in later if not step()]
        time.sleep(0.2)


def cancel(job: SlurmJob, process: int) -> None:
    slurm("scancel", job.id)


def take_too_long(job: SlurmJob, process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    slurm("scontrol", "update", f"JobId={job.id}", "TimeLimit=1")


def kill(job: SlurmJob, process: int) -> None:
    os.kill(process, signal.SIGKILL)


def drain(job: SlurmJob, process: int) -> Callable[[], bool]:
    """Nothing new on the node of this job, until the job has ended there."""
    return change_node(job, "DRAIN", lambda now: now is None)


def take_down(job: SlurmJob, process: int) -> Callable[[], bool]:
    """The node of this job goes down, until the job waits for another."""
    return change_node(job, "DOWN", lambda now: now is not None and now.state == "PENDING")


def change_node(job: SlurmJob, state: str, until: Callable[[SlurmJob | None], bool]) -> Callable[[], bool]:
    slurm("scontrol", "update", f"NodeName={job.node}", f"State={state}", "Reason=test")

    def resume() -> bool:
        done = until(next((other for other in queue() if other.id == job.id), None))
        if done:
            # Refused when the node is up already.
            subprocess.run(["scontrol", "update", f"NodeName={job.node}", "State=RESUME"], check=False)
        return done

    return resume


def failed(study: Study) -> dict[str, str]:
    """Rows of failed sessions in the study page, as HTML."""
    page = (study.folder / "results/index.html").read_text()
    rows = re.findall(r'<tr class="failed">.*?</tr>', page, re.S)
    return {re.findall(r"sub-[^/<]+/ses-[^/<]+", row)[0]: row for row in rows}


def left_behind(study: Study) -> list[Path]:
    """Temporary files of writes that did not end."""
    return [path for path in (study.folder / "results").rglob(".*") if path.name not in (".running", SHEET, ANIMALS)]


def end(run: subprocess.Popen[bytes]) -> int:
    return run.wait(3000)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own that can be full."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_study_runs_in_four_jobs_a_session_and_then_has_nothing_to_do(undisturbed):
    table = pl.read_parquet(undisturbed.folder / "results/study.parquet")
    assert table["status"].to_list() == ["done"] * len(SESSIONS)
    each = dict.fromkeys(("movie", "motion", "extract", "traces"), len(SESSIONS))
    assert undisturbed.submitted() == each | {"study": 1}
    assert undisturbed.doubles == {}
    assert undisturbed.planned() == {}


def test_changed_spikes_rerun_spikes_and_later_only(study):
    study.configure(spikes={"oasis": {"backend": "oasis", "decay_time": 0.4}})
    assert study.planned() == {"spikes": len(SESSIONS), "session_report": len(SESSIONS), "study": 1}


def test_a_replaced_movie_reruns_its_session_only(study, undisturbed):
    movie = study.folder.parent / "movies/s05.tif"
    tifffile.imwrite(movie, tifffile.imread(movie)[::-1])
    done = study.snakemake()
    assert done.returncode == 0, done.said
    assert study.submitted() == {"movie": 1, "motion": 1, "extract": 1, "traces": 1, "study": 1}
    others = [session for session in SESSIONS if session != "sub-s05/ses-1"]
    assert study.results(others) == undisturbed.results(others)
    assert study.results(["sub-s05/ses-1"]) != undisturbed.results(["sub-s05/ses-1"])


def test_one_rerun_mends_what_faults_broke(study, undisturbed, tmp_path):
    """scancel, time limit, killed process, node drained, node down, full scratch disk, and three corrupt movies."""
    cancelled, endless, killed, drained, down, full = SESSIONS[:6]
    corrupt = SESSIONS[-3:]
    for session in corrupt:
        movie = study.folder.parent / f"movies/{session[4:7]}.tif"
        movie.write_bytes(movie.read_bytes()[:5_000])  # inside the first frame
    study.forget(*corrupt, whole=True)
    study.forget(cancelled, endless, killed, drained, down, full)
    with disk(tmp_path / "scratch", "64m") as scratch, disk(tmp_path / "small", "2m") as small:
        # The same command, both times; movies are worked on at the node's own disk.
        place = f"'{small}' if '{full}' in input[0] else '{scratch}'"
        study.arguments = ("--retries", "0", "--set-resources", "extract:local_movies=1", f"extract:tmpdir={place}")
        faults = {cancelled: cancel, endless: take_too_long, killed: kill, drained: drain, down: take_down}
        with study.watched():
            run = study.start()
            inject(study, run, dict(faults))
            assert end(run) == 1
        rows = failed(study)
        assert set(rows) == {cancelled, endless, killed, full, *corrupt}
        assert "CANCELLED" in rows[cancelled]
        assert "TIMEOUT" in rows[endless]
        assert "FAILED" in rows[killed]
        assert "GB are free" in rows[full]
        for session, row in rows.items():
            assert f'href="logs/{session}/' in row
        assert study.results(corrupt) == {}

        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        with study.watched():
            assert study.snakemake().returncode == 1
    assert study.doubles == {}
    rows = failed(study)
    assert set(rows) == set(corrupt)
    assert all("cut short inside its first frame" in row for row in rows.values())
    good = [session for session in SESSIONS if session not in corrupt]
    assert study.results(good) == undisturbed.results(good)
    assert study.results(corrupt) == {}
    assert left_behind(study) == []


def test_memory_that_does_not_suffice_is_named_and_a_retry_gets_more(study, undisturbed):
    session = SESSIONS[0]
    study.forget(session)
    study.arguments = ("--retries", "0", "--set-resources", "extract:mem_mb=450*attempt**2")
    assert study.snakemake().returncode == 1
    assert "OUT_OF_MEMORY" in failed(study)[session]
    study.arguments = ("--retries", "1", *study.arguments[2:])
    done = study.snakemake()
    assert done.returncode == 0, done.said
    assert "OUT_OF_MEMORY" in done.said
    assert study.results() == undisturbed.results()
    assert left_behind(study) == []


def test_after_kill_9_a_rerun_ends_the_orphans_and_completes(study, undisturbed):
    sessions = SESSIONS[:3]
    study.forget(*sessions)
    with study.watched():
        run = study.start()
        # One works on until it is cancelled.
        slow, process = wait_for(lambda: at_work(study, sessions[0]))
        os.kill(process, signal.SIGSTOP)
        wait_for(lambda: len(queue("PENDING,RUNNING")) >= 2)
        run.kill()
        run.wait()
        orphans = {job.id for job in queue("PENDING,RUNNING")}
        assert slow.id in orphans
        # One that ends before the rerun has results that no Snakemake has recorded.
        first = wait_for(lambda: {job.id for job in queue("COMPLETED")} & orphans)
        done = study.snakemake()
    said = done.said
    assert done.returncode == 0, said
    cancelled = set(re.search(r"had to be cancelled: (.*)", said)[1].split())  # pyright: ignore
    assert slow.id in cancelled
    assert cancelled <= orphans - first
    assert study.doubles == {}
    assert study.results() == undisturbed.results()
    assert left_behind(study) == []
    # Everything is recorded: a changed parameter is seen everywhere.
    study.configure(spikes={"oasis": {"backend": "oasis", "decay_time": 0.4}})
    assert study.planned() == {"spikes": len(SESSIONS), "session_report": len(SESSIONS), "study": 1}


def test_a_second_run_is_refused_while_one_works(study):
    study.forget(SESSIONS[0])
    run = study.start()
    wait_for_work(study, run, SESSIONS[0])
    second = study.snakemake()
    assert second.returncode == 1
    assert f"another run works on these results (process {run.pid} on" in second.said
    assert end(run) == 0


@pytest.mark.parametrize("option", ["--profile", "--workflow-profile"])
def test_the_profile_is_found_as_typed(option, undisturbed, cluster):
    """By its bare name, from the project's root; either way a clone behaves as with profiles/default."""
    command = ["snakemake", option, "slurm", "--configfile", "test.yaml", "--dry-run"]
    done = subprocess.run(command, cwd=undisturbed.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to be done" in done.stdout + done.stderr
