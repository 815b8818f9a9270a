"""Only what changed runs again, and running again gives the same bytes."""

import json
import os
import time

import pyarrow.parquet as pq

CHAIN = "results/sub-a/ses-1/plane-0/motion-phase/denoise-none/extract-transients"


def test_a_fresh_copy_of_a_finished_project_has_nothing_to_do(project):
    assert project.planned() == {}
    assert "Nothing to be done" in project.run()


def test_a_spike_parameter_reruns_spikes_and_reports(project):
    project.configure(spikes={"network": {"backend": "network", "lookahead": 8}})
    assert project.planned() == {"spikes": 3, "session_report": 3, "study": 1}
    before = project.bytes_of("traces.parquet")
    project.run()
    assert project.bytes_of("traces.parquet") == before
    history = json.loads(pq.read_schema(project.folder / CHAIN / "spikes-network.parquet").metadata[b"groundtrace"])
    assert history["history"][-1]["parameters"]["lookahead"] == 8
    assert project.planned() == {}


def test_a_new_session_runs_alone(project):
    with (project.folder / "test.tsv").open("a") as sheet:
        sheet.write("c\t1\t1\t30\tGCaMP6f\tsmall\n")
    one = ("simulate", "ingest", "motion", "extract", "dff", "spikes", "session_report", "study")
    assert project.planned() == dict.fromkeys(one, 1)


def test_a_removed_session_reruns_the_study_alone(project):
    sheet = project.folder / "test.tsv"
    sheet.write_text("\n".join(sheet.read_text().splitlines()[:2]) + "\n")
    assert project.planned() == {"study": 1}


def test_editing_a_backend_reruns_its_step_and_what_follows(project):
    project.edit("workflow/src/groundtrace/spikes/network/features.py", "[None])[0]), 1e-4)", "[None])[0]), 2e-4)")
    assert project.planned() == {"spikes": 3, "session_report": 3, "study": 1}
    project.run()
    assert project.planned() == {}


def test_a_word_of_a_page_renders_that_page_alone(project):
    project.edit("workflow/src/groundtrace/report/sections/study/table/section.html", "words, e.g.", "words, as in")
    assert project.planned() == {"study": 1}
    project.edit("workflow/src/groundtrace/report/sections/session/motion/section.html", "worst motion", "most motion")
    assert project.planned() == {"session_report": 3, "study": 1}


def test_new_weights_of_the_network_rerun_spikes(project):
    project.own_source()
    folder = project.folder / "resources/models/network"
    (folder / "all.safetensors").write_bytes((folder / "without-0.safetensors").read_bytes())
    assert project.planned() == {"spikes": 3, "session_report": 3, "study": 1}


def test_editing_words_reruns_nothing(project):
    project.edit("workflow/src/groundtrace/traces/noise.py", '"""Noise statistics', '"""The noise statistics')
    project.edit("workflow/src/groundtrace/motion/base.py", '"""Registers a movie', '"""It registers a movie')
    project.edit("workflow/scripts/motion.py", "with job(", "# a comment\nwith job(")
    assert project.planned() == {}


def test_editing_an_indicator_reruns_its_sessions(project):
    project.own_source()
    lines = (project.folder / "resources/indicators.tsv").read_text().splitlines()
    changed = [line.replace("\t0.57\t", "\t0.58\t") if line.startswith("GCaMP6s\t") else line for line in lines]
    assert changed != lines
    (project.folder / "resources/indicators.tsv").write_text("\n".join(changed) + "\n")
    planned = project.planned()
    assert planned["spikes"] == 2
    assert planned["session_report"] == 2


def test_a_second_recipe_shares_what_it_can(project):
    project.configure(
        recipes={
            "default": {},
            "slow": {"spikes": "slow"},
        },
        spikes={"network": {"backend": "network"}, "slow": {"backend": "oasis", "decay_time": 1.0}},
    )
    assert project.planned() == {"spikes": 3, "session_report": 3, "study": 1}


def test_running_again_gives_the_same_bytes(finished, tmp_path):
    again = type(finished).make(tmp_path / "again")
    again.run()
    first, second = finished.bytes_of("*.parquet"), again.bytes_of("*.parquet")
    assert len(first) > 15
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert finished.bytes_of("*.html") == again.bytes_of("*.html")
    assert finished.bytes_of("acquisition.json") == again.bytes_of("acquisition.json")


def test_after_a_killed_run_what_it_left_unrecorded_is_made_again(project):
    results = project.folder / "results"
    (results / ".running").write_text('{"process": 1, "host": "gone", "slurm": null}')
    page = results / "sub-a/ses-1/plane-0/report-default.html"
    before = page.read_bytes()
    late = time.time() + 1
    os.utime(page, (late, late))
    sheet = project.folder / "test.tsv"
    sheet.write_text("\n".join(sheet.read_text().splitlines()[:2]) + "\n")
    assert project.planned() == {"study": 1}
    done = project.snakemake()
    said = done.said
    assert done.returncode == 0, said
    assert "An earlier run was killed" in said
    assert "(Rule: session_report)" in said
    assert page.read_bytes() == before
    assert (results / ".running").read_text() == ""


def test_every_table_says_what_made_it(finished):
    for path in (finished.folder / "results").rglob("*.parquet"):
        schema = pq.read_schema(path)
        found = json.loads(schema.metadata[b"groundtrace"])
        assert found["schema_version"] >= 1, path
        assert found["history"][-1]["versions"]["groundtrace"], path
        assert all(b"unit" in field.metadata for field in schema), path
        assert str(finished.folder) not in str(found), path
    spikes = json.loads(pq.read_schema(finished.folder / CHAIN / "spikes-network.parquet").metadata[b"groundtrace"])
    assert [entry["step"] for entry in spikes["history"]] == ["ingest", "motion", "extract", "dff", "spikes"]
    assert len(spikes["sources"][0]["sha256"]) == 64


def test_movies_are_deleted_unless_kept(finished):
    assert list((finished.folder / "results").rglob("movie.*")) == []
