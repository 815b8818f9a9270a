"""What rules are told: paths, identities, requests and targets, from a config and a sheet alone."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from snakemake.exceptions import WorkflowError

from groundtrace.provenance import file_hash
from groundtrace.running import layout
from groundtrace.running.asking import unanswered
from groundtrace.running.identity import Identities
from groundtrace.running.inputs import Inputs
from groundtrace.running.plan import Plan
from groundtrace.running.requests import Requests
from groundtrace.running.starting import keep_sheets
from groundtrace.running.targets import Targets
from groundtrace.sheet import read_sheet
from tests.unit.adopted.units_example import write_units
from tests.unit.running.wildcards import Wildcards

ROOT = Path(__file__).resolve().parents[3]
SHEET = """\
subject\tsession\tplanes\tframe_rate\tindicator\tsimulate
a\t1\t1\t30\tjGCaMP8m\tsmall
b\t1\t2\t15\tGCaMP6s\tstill
"""
STILL = {"motion": 0, "nonrigid": 0, "line_jitter": 0}
CONFIG = {
    "recipes": {
        "default": {"spikes": "oasis"},
        "denoised": {"motion": "none", "denoise": "network", "spikes": "oasis"},
    },
    "simulation": {"small": {"frames": 300, "height": 96, "width": 96}, "still": {"frames": 300, **STILL}},
}


PREPARATIONS = {"a": "soma", "b": "one_photon", "c": "one_photon"}


def plan_of(folder: Path, sheet: str = SHEET, **config: object) -> Plan:
    (folder / "sessions.tsv").write_text(sheet)
    return Plan.read({**CONFIG, "sessions": str(folder / "sessions.tsv"), **config}, ROOT / "workflow/scripts")


@pytest.fixture
def plan(tmp_path) -> Plan:
    return plan_of(tmp_path)


WHERE = Wildcards(
    session="sub-a/ses-1", plane="0", motion="phase", denoise="none", extract="transients", spikes="oasis"
)


def test_the_recipe_is_the_path():
    assert layout.EXTRACT == "{session}/plane-{plane}/motion-{motion}/denoise-{denoise}/extract-{extract}"
    assert layout.log_of("spikes") == (
        "{session}/plane-{plane}/motion-{motion}_denoise-{denoise}_extract-{extract}_spikes-{spikes}"
    )
    assert layout.STAGES[-1].file.format(session="s", plane=1, recipe="r") == "s/plane-1/report-r.html"


def test_a_fault_of_the_sheet_is_one_line_of_snakemake(tmp_path):
    with pytest.raises(WorkflowError, match="indicator"):
        plan_of(tmp_path, SHEET.replace("GCaMP6s", "GCaMP66s"))


def test_the_species_of_an_animal_tells_the_kinetics(tmp_path):
    (tmp_path / "subjects.tsv").write_text("subject\tspecies\na\tDanio rerio\n")
    fish = plan_of(tmp_path, SHEET.replace("jGCaMP8m", "GCaMP6f"), subjects=str(tmp_path / "subjects.tsv"))
    assert fish.indicator(WHERE)["name"] == fish.labels("spikes")(WHERE)["indicator"] == "GCaMP6f in Danio rerio"
    assert fish.labels("session_report")(WHERE)["species"] == "Danio rerio"
    assert fish.sessions["sub-a/ses-1"].indicator == "GCaMP6f"
    mouse = plan_of(tmp_path, SHEET.replace("jGCaMP8m", "GCaMP6f"), subjects=str(tmp_path / "none.tsv"))
    assert mouse.indicator(WHERE)["name"] == mouse.labels("spikes")(WHERE)["indicator"] == "GCaMP6f"


def test_kinetics_that_are_not_known_in_a_species_are_said(tmp_path, capsys):
    (tmp_path / "subjects.tsv").write_text("subject\tspecies\na\tDanio rerio\n")
    plan_of(tmp_path, subjects=str(tmp_path / "subjects.tsv"))
    assert "kinetics of jGCaMP8m in Danio rerio are not known: taken with those of jGCaMP8m in mice" in (
        capsys.readouterr().err
    )


def test_jobs_of_a_run_have_the_sheets_that_it_was_planned_with(tmp_path):
    """Whatever the user makes of them meanwhile; the next run reads the edited ones."""
    results = {"results": str(tmp_path / "results")}
    plan = plan_of(tmp_path, **results)
    keep_sheets(plan)
    config = {**CONFIG, **results, "sessions": str(tmp_path / "sessions.tsv")}
    for edited in (SHEET.replace("a\t1", "renamed\t1"), "subject\tno such thing\n", SHEET.replace("\t30\t", "\t0\t")):
        (tmp_path / "sessions.tsv").write_text(edited)
        assert Plan.read(config, ROOT / "workflow/scripts", hashes=False).sessions == plan.sessions
    with pytest.raises(WorkflowError, match="frame_rate: '0' is not allowed"):
        Plan.read(config, ROOT / "workflow/scripts")


@pytest.mark.parametrize(("before", "after"), [("a", "b"), ("a", None), (None, "b")])
def test_jobs_of_a_run_know_the_animals_that_it_was_planned_with(before, after, tmp_path):
    """Their species decide the kinetics of indicators."""
    file, results = tmp_path / "subjects.tsv", {"results": str(tmp_path / "results")}

    def write(name: str | None) -> None:
        file.unlink(missing_ok=True)
        if name is not None:
            file.write_text(f"subject\tspecies\n{name}\tDanio rerio\n")

    write(before)
    plan = plan_of(tmp_path, subjects=str(file), **results)
    keep_sheets(plan)
    write(after)
    config = {**CONFIG, **results, "sessions": str(tmp_path / "sessions.tsv"), "subjects": str(file)}
    assert list(plan.animals.subjects) == [before] * (before is not None)
    assert Plan.read(config, ROOT / "workflow/scripts", hashes=False).animals.subjects == plan.animals.subjects


def test_what_a_row_leaves_to_its_file_and_the_file_does_not_tell_is_found_before_any_job(tmp_path):
    """All such rows at once; what is ingested, missing or no movie at all is not asked."""
    movie = np.zeros((8, 16, 16), np.uint16)
    for name in ("mute", "also", "done"):
        tifffile.imwrite(tmp_path / f"{name}.tif", movie)
    tifffile.imwrite(
        tmp_path / "told.tif", movie, imagej=True, metadata={"axes": "TYX", "finterval": 0.1, "tunit": "s"}
    )
    (tmp_path / "broken.tif").write_bytes(b"no movie")
    rows = [("mute", "", 1), ("told", "", 1), ("also", "", 1), ("done", "", 1), ("broken", "", 1), ("gone", "", 1)]
    sheet = "subject\tsession\tpath\tframe_rate\tchannels\n" + "".join(
        f"{name}\t1\t{tmp_path / name}.tif\t{rate}\t{channels}\n" for name, rate, channels in rows
    )
    ingested = tmp_path / "results/sub-done/ses-1/plane-0/acquisition.json"
    ingested.parent.mkdir(parents=True)
    ingested.touch()
    with pytest.raises(WorkflowError) as raised:
        plan_of(tmp_path, sheet, results=str(tmp_path / "results"))
    lines = str(raised.value).splitlines()
    assert lines[0] == f"{tmp_path / 'sessions.tsv'} is not valid:"
    assert [line.split(":")[0].strip() for line in lines[1:-1]] == ["row 2 (sub-mute ses-1)", "row 4 (sub-also ses-1)"]
    assert "mute.tif: has no frame rate in its metadata, and the sheet none" in lines[1]
    filled = sheet.replace(".tif\t\t", ".tif\t30\t")
    plan_of(tmp_path, filled, results=str(tmp_path / "results"))


def test_many_files_are_not_asked_for_longer_than_a_user_waits(tmp_path):
    tifffile.imwrite(tmp_path / "mute.tif", np.zeros((8, 16, 16), np.uint16))
    (tmp_path / "sessions.tsv").write_text(f"subject\tsession\tpath\na\t1\t{tmp_path / 'mute.tif'}\n")
    sheet = read_sheet(tmp_path / "sessions.tsv")
    assert unanswered(sheet, [], patience=-1) == []
    assert len(unanswered(sheet, [])) == 1


def test_only_what_a_rule_uses_decides_it(plan, tmp_path):
    others = {
        "dff": plan_of(tmp_path, dff={"neuropil": {"coefficient": 0.5}}),
        "spikes": plan_of(tmp_path, spikes={"oasis": {"backend": "oasis", "decay_time": 0.9}}),
        "session_report": plan_of(tmp_path, report={"accuracy": 0.55}),
        "benchmark_motion": plan_of(tmp_path, benchmark={"recordings": {"detectability": 9}}),
    }
    rules = ("simulate", "motion", "extract", "dff", "spikes", "session_report", "study", "benchmark_motion")

    def told(plan: Plan) -> dict[str, object]:
        found = {rule: Identities(plan)(rule) for rule in rules}
        return {rule: of(WHERE) if callable(of) else of for rule, of in found.items()}

    before = told(plan)
    assert all(identity["code"] for identity in before.values())
    for rule, other in others.items():
        after = told(other)
        assert {name for name in rules if after[name] != before[name]} == {rule}


@pytest.mark.parametrize("rule", ["ingest", "ingest_motion_channel"])
def test_ingest_depends_on_the_reader_of_its_own_format(tmp_path, rule):
    files = {"a": "a.npy", "b": "b.npy", "c": "c.tif"}
    sheet = "subject\tsession\tframe_rate\tindicator\tpath\n"
    for subject, name in files.items():
        (tmp_path / name).touch()
        sheet += f"{subject}\t1\t30\tGCaMP6s\t{tmp_path / name}\n"
    of = Identities(plan_of(tmp_path, sheet))(rule)
    a, b, c = (of(Wildcards(session=f"sub-{subject}/ses-1", plane="0"))["code"] for subject in files)
    assert a == b != c


def test_a_job_hashes_no_code(plan):
    of = Identities(Plan(plan.config, plan.sessions, plan.scripts, hashes=False))
    assert of("study")["code"] is None
    assert of("motion")(WHERE)["code"] is None


def test_movies_to_extract_are_those_of_the_recipe(plan):
    inputs = Inputs(plan)
    folder = "results/sub-a/ses-1/plane-0/motion-phase"
    assert inputs.movies_to_extract(WHERE) == {"movie": f"{folder}/movie.npy"}
    denoised = Wildcards(WHERE | {"denoise": "network"})
    assert inputs.movies_to_extract(denoised) == {
        "movie": f"{folder}/denoise-network/movie.npy",
        "measured": f"{folder}/movie.npy",
        "noise": f"{folder}/denoise-network/noise.npz",
    }
    clean = Wildcards(WHERE | {"denoise": "clean"})
    assert inputs.movies_to_extract(clean) == {"movie": "results/sub-a/ses-1/truth/clean.npy"}
    assert inputs.movie_to_score(denoised) == f"{folder}/denoise-network/movie.npy"
    assert (plan.spike_trace(WHERE), plan.spike_trace(denoised)) == ("dff", "dff_denoised")


def test_a_retry_asks_for_more(plan):
    requests = Requests(plan)
    for rule in ("simulate", "ingest", "motion", "extract", "dff", "spikes"):
        first, second = (requests.memory(rule)(WHERE, attempt) for attempt in (1, 2))
        assert 500 < first < second
        assert 0 < requests.time_limit(rule)(WHERE, 1) < requests.time_limit(rule)(WHERE, 2)
    denoised = Wildcards(WHERE | {"denoise": "network"})
    assert requests.memory("dff")(denoised, 1) > requests.memory("dff")(WHERE, 1)


def test_scores_are_asked_for_where_there_is_a_truth(plan, tmp_path):
    targets = Targets(plan)
    assert targets.pages(None) == ["results/benchmark/recordings.html"]
    folder = "results/benchmark/recordings"
    moving, still = f"{folder}/sub-a/ses-1/plane-0", [f"{folder}/sub-b/ses-1/plane-{plane}" for plane in (0, 1)]
    # Where nothing moves, only motion corrections of recipes are scored.
    assert targets.motion_scores() == [
        *(f"{moving}/motion-{name}.parquet" for name in ("phase", "none", "suite2p")),
        *(f"{plane}/motion-{name}.parquet" for plane in still for name in ("phase", "none")),
    ]
    assert targets.denoising_scores() == [
        f"{plane}/denoise-none-{name}/scores.parquet" for plane in still for name in ("none", "network")
    ]
    assert len(targets.recipe_scores("cells")) == 6
    timed = [(job["stage"], job["name"], job["plane"], job["frames"]) for job in targets.timed_jobs()]
    assert timed.count(("simulate", "still", None, 600)) == 1
    assert ("denoise", "network", 1, 300) in timed
    assert len({job["file"] for job in targets.timed_jobs()}) == len(timed)
    nothing = Targets(plan_of(tmp_path, "subject\tsession\n"))
    with pytest.raises(WorkflowError, match="nothing has a known truth"):
        nothing.pages(None)
    with pytest.raises(WorkflowError, match="there is none of either"):
        nothing.realism_of_planes(None)
    with pytest.raises(WorkflowError, match="no session in it"):
        Inputs(nothing.plan).study_page(None)


def test_sorted_spikes_are_not_exported_and_it_is_said(tmp_path, capsys):
    write_units(tmp_path / "units.nwb")
    head = "subject\tsession\tframe_rate\tindicator\tsimulate\tpath\tformat\tstimuli\n"
    units = f"u\t1\t\t\t\t{tmp_path}/units.nwb\tnwb_units\t{tmp_path}/units.nwb\n"
    plan = plan_of(tmp_path, f"{head}a\t1\t30\tjGCaMP8m\tsmall\t\t\t\n{units}")
    assert Targets(plan).suite2p(None) == ["results/suite2p/default/sub-a/ses-1/plane0/stat.npy"]
    assert "sub-u/ses-1: sorted spikes are not exported; their own file has them" in capsys.readouterr().err
    with pytest.raises(WorkflowError, match="not exported, and there is no other session"):
        Targets(plan_of(tmp_path, head + units)).nwb(None)


def told(plan: Plan, *rules: str, **where: str) -> dict[str, object]:
    """Everything of the parameters of rules that Snakemake compares."""
    of, place, found = Identities(plan), Wildcards(WHERE | where), {}
    for rule in rules:
        identity = of(rule)
        found[rule] = identity(place) if callable(identity) else identity
        if rule in ("extract", "dff", "spikes", "session_report"):
            found[rule] = found[rule] | {"labels": plan.labels(rule)(place)}
    return found


def test_a_microscope_decides_its_pages_alone_and_what_is_said_of_it_none(tmp_path):
    rules = ("simulate", "ingest", "motion", "extract", "dff", "spikes", "session_report")
    plain = {"description": "a microscope", "magnification": 16}
    first, other, renamed = (
        told(plan_of(tmp_path, microscopes={"scope": plain | changed}), *rules)
        for changed in ({}, {"magnification": 20}, {"description": "ours"})
    )
    assert {rule for rule in rules if first[rule] != other[rule]} == {"session_report"}
    assert first == renamed


def test_a_microscope_that_is_not_described_is_told_before_any_job(tmp_path):
    sheet = "subject\tsession\tsimulate\tframe_rate\tindicator\tmicroscope\na\t1\tstill\t30\tGCaMP6s\tscop\n"
    with pytest.raises(WorkflowError, match=r"microscope 'scop' is not under `microscopes`.*did you mean 'scope'"):
        plan_of(tmp_path, sheet, microscopes={"scope": {"magnification": 16}})
    assert plan_of(tmp_path, sheet).sessions["sub-a/ses-1"].microscope == "scop"


@pytest.mark.parametrize(
    ("column", "where", "rerun"),
    [
        ("location", {}, {"session_report"}),
        ("path", {}, set()),
        ("indicator", {}, {"spikes", "session_report"}),
        ("indicator", {"denoise": "network"}, {"dff", "spikes", "session_report"}),
        ("indicator", {"extract": "suite2p"}, {"extract", "spikes", "session_report"}),
        ("indicator", {"extract": "binned"}, {"spikes", "session_report"}),
        ("frame_rate", {}, {"ingest"}),
    ],
)
def test_a_corrected_column_reruns_what_reads_it(tmp_path, column, where, rerun):
    row = {"subject": "a", "session": "1", "frame_rate": "30", "indicator": "GCaMP6s", "location": "V1"}
    corrected = {"location": "S1", "path": "moved.npy", "indicator": "GCaMP6f", "frame_rate": "31"}
    rules = ("ingest", "ingest_motion_channel", "motion", "denoise", "extract", "dff", "spikes", "session_report")
    methods = {"extract": {"transients": {"backend": "transients"}, "suite2p": {"backend": "suite2p"}}}
    methods["extract"]["binned"] = {"backend": "suite2p", "bin_duration": 0.5}
    found = []
    for name, changes in (("a.npy", {}), ("b.npy", {column: corrected[column]})):
        values = row | {"path": name} | changes
        file = tmp_path / values["path"]
        file.touch()
        sheet = "\t".join(values) + "\n" + "\t".join((values | {"path": str(file)}).values()) + "\n"
        found.append(told(plan_of(tmp_path, sheet, **methods), *rules, **where))
    before, after = found
    rerun = rerun | ({"ingest_motion_channel"} if "ingest" in rerun else set())
    assert {rule for rule in rules if before[rule] != after[rule]} == rerun


OWN = {"recipes": {"default": {"extract": "own"}}, "extract": {"own": {"backend": "masks"}}}


def with_rois(folder: Path, first: Path | str, second: Path | str, **config: object) -> Plan:
    columns = "subject\tsession\tplanes\tframe_rate\tindicator\tsimulate\trois\n"
    rows = f"a\t1\t1\t30\tGCaMP6s\tsmall\t{first}\nb\t1\t2\t15\tGCaMP6s\tsmall\t{second}\n"
    return plan_of(folder, columns + rows, **(OWN | config))


def test_the_content_of_a_file_of_rois_decides_the_extraction_of_its_session(tmp_path):
    for name in ("a.tif", "b0.zip", "b1.zip", "moved.tif"):
        (tmp_path / name).write_bytes(b"moved.tif" if name == "a.tif" else name.encode())
    planes = f"{tmp_path}/b0.zip; {tmp_path}/b1.zip"

    def told(first: str) -> list[object]:
        of = Identities(with_rois(tmp_path, tmp_path / first, planes))("extract")
        where = WHERE | {"extract": "own"}
        return [of(Wildcards(where | {"session": f"sub-{s}/ses-1", "plane": p})) for s, p in ("a0", "b0", "b1")]

    before = told("a.tif")
    assert before == told("moved.tif")
    assert len({identity["rois"] for identity in before}) == 3
    file_hash.cache_clear()
    (tmp_path / "a.tif").write_bytes(b"edited")
    after = told("a.tif")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_rois_of_this_study_are_made_first(tmp_path):
    (tmp_path / "b.nwb").touch()
    made = "results/sub-b/ses-1/plane-0/motion-phase/denoise-none/extract-transients"
    plan = with_rois(tmp_path, f"./{made}/rois.parquet", tmp_path / "b.nwb")
    own = Wildcards(WHERE | {"extract": "own"})
    assert Inputs(plan).given_rois(own) == [f"{made}/rois.parquet", f"{made}/extraction_images.npz"]
    assert "rois" not in Identities(plan)("extract")(own)
    assert Inputs(plan).given_rois(Wildcards(own | {"session": "sub-b/ses-1"})) == []
    assert Inputs(plan).given_rois(WHERE) == []


def test_a_recipe_without_its_rois_is_a_fault_before_any_job(tmp_path):
    (tmp_path / "a.tif").touch()
    with pytest.raises(WorkflowError, match=r"sub-b/ses-1 has no rois, and recipes.default.extract, 'own'"):
        with_rois(tmp_path, tmp_path / "a.tif", "")
    with pytest.raises(WorkflowError, match=r"sub-b/ses-1: rois: '/nowhere.nwb' does not exist"):
        with_rois(tmp_path, tmp_path / "a.tif", "/nowhere.nwb")


def test_rois_that_no_recipe_measures_are_told(tmp_path, capsys):
    searched = {"recipes": {"default": {}}, "extract": {"transients": {"backend": "transients"}}}
    with_rois(tmp_path, "a.tif", "b.nwb", **searched)
    assert (
        "column rois: no recipe measures the ROIs that it gives for sub-a/ses-1 and 1 more" in capsys.readouterr().err
    )


def test_one_photon_sessions_of_a_recipe_that_leaves_their_background_are_told(tmp_path, capsys):
    (tmp_path / "a.avi").touch()
    sheet = "subject\tsession\tframe_rate\tpath\tpreparation\n"
    sheet += "".join(f"{subject}\t1\t20\t{tmp_path / 'a.avi'}\t{what}\n" for subject, what in PREPARATIONS.items())
    extract = {"transients": {"backend": "transients"}, "rings": {"backend": "one_photon"}}
    recipes = {"default": {}, "onephoton": {"extract": "rings"}}
    plan_of(tmp_path, sheet, recipes=recipes, extract=extract)
    told = [line for line in capsys.readouterr().err.splitlines() if "preparation: " in line]
    assert len(told) == 1
    assert "preparation: sub-b/ses-1 and 1 more is one_photon, and recipes.default.extract, 'transients'" in told[0]
    assert "use an extraction with backend: one_photon" in told[0]


def test_stages_that_a_session_brings_are_named_given(tmp_path):
    """In one sheet with a raw movie: a registered one, and ROIs with traces of another pipeline."""
    names = {"r": ("raw.tif", ""), "m": ("data.bin", ""), "s": ("plane0", "suite2p_rois"), "u": ("data_raw.bin", "")}
    sheet = "subject\tsession\tframe_rate\tindicator\tpath\tformat\n"
    for subject, (name, kind) in names.items():
        (tmp_path / name).touch()
        sheet += f"{subject}\t1\t30\tGCaMP6s\t{tmp_path / name}\t{kind}\n"
    plan = plan_of(tmp_path, sheet)

    def methods(subject: str) -> list[str]:
        found = plan.methods_of(f"sub-{subject}/ses-1", "denoised")
        return [found[stage] for stage in ("motion", "denoise", "extract", "spikes")]

    assert methods("r") == methods("u") == ["none", "network", "transients", "oasis"]
    assert methods("m") == ["given", "network", "transients", "oasis"]
    assert methods("s") == ["given", "given", "given", "oasis"]
    steps = {row.session: [step.stage for step in row.steps] for row in plan.study.rows if row.recipe == "default"}
    assert steps["sub-s/ses-1"] == ["adopt", "dff", "spikes", "report"]
    assert steps["sub-m/ses-1"] == steps["sub-r/ses-1"]
    page = Inputs(plan).session_page(Wildcards(WHERE | {"session": "sub-s/ses-1", "recipe": "denoised"}))
    folder = "results/sub-s/ses-1/plane-0"
    assert page["traces"] == f"{folder}/motion-given/denoise-given/extract-given/traces.parquet"
    assert page["motion_quality"] == f"{folder}/motion-given/quality.parquet"
    assert not [name for name in page if name.startswith("denoising")]


def test_the_order_of_recipes_does_not_decide_which_one_the_truth_is_scored_with(tmp_path):
    recipes = {"slow": {"spikes": "oasis"}, "fast": {}, "denoised": {"denoise": "network"}}
    for order in (recipes, dict(reversed(recipes.items()))):
        plan = plan_of(tmp_path, recipes=order)
        assert {name for name in recipes if plan.leads(Wildcards(recipe=name))} == {"fast", "denoised"}


def test_given_is_no_name_of_a_method(tmp_path):
    with pytest.raises(WorkflowError, match="'given' stands for what a session brings"):
        plan_of(
            tmp_path, motion={"phase": {"backend": "phase"}, "none": {"backend": "none"}, "given": {"backend": "none"}}
        )


def test_every_file_of_a_result_is_an_input(tmp_path):
    folder = tmp_path / "plane0"
    folder.mkdir()
    for name in ("F.npy", "iscell.npy", "data.bin"):
        (folder / name).touch()
    sheet = f"subject\tsession\tframe_rate\tindicator\tpath\tformat\na\t1\t30\tGCaMP6s\t{folder}\tsuite2p_rois\n"
    inputs = Inputs(plan_of(tmp_path, sheet))
    assert inputs.raw_files(WHERE) == [f"{folder}/F.npy", f"{folder}/iscell.npy"]
