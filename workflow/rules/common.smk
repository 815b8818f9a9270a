import functools
import inspect
from pathlib import Path

from snakemake.exceptions import WorkflowError

from groundtrace import layout
from groundtrace.acquisition import only_touched
from groundtrace.config import CLEAN, load
from groundtrace.errors import GroundtraceError
from groundtrace.indicators import indicators
from groundtrace.provenance import data_hash, file_hash, source_hash
from groundtrace.resources import NEEDS, held_frames, mem_mb, recorded, runtime, simulated
from groundtrace.sessions import read_sheet

try:
    cfg = load(config)
    SESSIONS = read_sheet(cfg.sessions, cfg.simulation)
    cfg.check_sessions(SESSIONS)
except GroundtraceError as error:
    raise WorkflowError(str(error)) from None

STUDY = layout.study_entries(cfg, SESSIONS)
SIMULATED = {key: session for key, session in SESSIONS.items() if session.simulate is not None}
RESULTS = cfg.results.as_posix()
PLANE, MOTION, DENOISE, EXTRACT = (
    f"{RESULTS}/{path}" for path in (layout.PLANE, layout.MOTION, layout.DENOISE, layout.EXTRACT)
)
# Logs and timings mirror the path in one folder per plane.
STEP, MOTION_STEP, DENOISE_STEP = layout.PLANE, layout.MOTION, layout.DENOISE_LOG
EXTRACT_STEP = layout.EXTRACT_LOG
BENCHMARK = f"{RESULTS}/benchmark"
# Scores of one plane.
SCORES = f"{BENCHMARK}/recordings/{STEP}"
# Of the recipe that is the default: infers spikes from denoised traces.
SCORED_SPIKES = next(iter(cfg.recipes.values())).spikes


wildcard_constraints:
    session=r"sub-[^/]+/ses-[^/]+",
    plane=r"\d+",
    motion=r"[a-z][a-z0-9_]*",
    denoise=r"[a-z][a-z0-9_]*",
    extract=r"[a-z][a-z0-9_]*",
    spikes=r"[a-z][a-z0-9_]*",
    recipe=r"[a-z][a-z0-9_]*",


def log_of(step):
    return f"{RESULTS}/logs/{step}.log"


def timing_of(step):
    return f"{RESULTS}/timings/{step}.tsv"


def environment(name):
    return f"../../envs/{name}.yaml"


def asked_once(function):
    """Snakemake asks for the parameters of a function at every job, which costs more than most functions here."""
    function.__signature__ = inspect.signature(function)
    return function


def of_method(stage, function):
    """Input, parameter or environment that depends on the method of a stage alone: computed once for each method."""
    once = functools.cache(lambda name: function(cfg.backend(stage, name)))
    return asked_once(lambda wildcards: once(getattr(wildcards, stage)))


def of_session(function):
    """Parameter that depends on the session alone: computed once for all its planes."""
    once = functools.cache(lambda key: function(SESSIONS[key]))
    return asked_once(lambda wildcards: once(wildcards.session))


def environment_of(stage):
    return of_method(stage, lambda backend: environment(backend.environment))


def code_of(script, *modules):
    """Hash of a script, of modules, and of all that they use of the package."""
    return source_hash(os.path.join(workflow.basedir, "workflow", "scripts", script), *modules)


def identity(stage, script):
    """Tracked by Snakemake, which compares plain values only: a method's parameters and its code."""
    return of_method(
        stage,
        lambda backend: {
            "parameters": backend.model_dump(mode="json"),
            "code": code_of(script, type(backend).__module__),
            "files": [file_hash(path) for path in backend.files()],
        },
    )


def simulation_identity(script):
    """Tracked by Snakemake: what decides a simulated movie."""
    return of_session(
        lambda session: {
            "parameters": cfg.simulation[session.simulate].model_dump(),
            "session": session.model_dump(mode="json", exclude={"simulate"}),
            "indicator": indicators()[session.indicator].model_dump(),
            "code": code_of(script),
        }
    )


DFF_IDENTITY = {
    denoised: {
        "parameters": cfg.dff.model_dump(),
        "smoothing": cfg.smoothing.model_dump() if denoised else None,
        "code": code_of("dff.py"),
    }
    for denoised in (False, True)
}


def method(stage):
    return of_method(stage, lambda backend: backend)


def size_of(wildcards):
    """Of the movie that a job on a session works on, and of its traces as soon as they are there."""
    session, names = SESSIONS[wildcards.session], dict(wildcards.items())
    if "recipe" in names:
        names |= cfg.recipes[wildcards.recipe].model_dump()
    if session.simulate is None:
        size = recorded(session, f"{PLANE}/acquisition.json".format(**names))
    else:
        size = simulated(cfg.simulation[session.simulate], session, 1 if "plane" in names else session.planes)
    return size.with_table(f"{EXTRACT}/fluorescence.parquet".format(**names)) if "extract" in names else size


def need_of(name, wildcards):
    """Row of the model for a rule, and the backend that it runs, if any."""
    if name not in ("motion", "denoise", "extract", "spikes"):
        return NEEDS[name], None
    backend = cfg.backend(name, getattr(wildcards, name))
    return NEEDS[f"{name}/{backend.backend}"], backend


def memory(rule):
    """Memory of a job on a session, MB."""

    def of(wildcards, attempt):
        size, (need, backend) = size_of(wildcards), need_of(rule, wildcards)
        return mem_mb(need, size, held_frames(backend, size, SESSIONS[wildcards.session].indicator), attempt)

    return of


def time_limit(rule):
    """Time limit of a job on a session, minutes."""
    return lambda wildcards, attempt: runtime(need_of(rule, wildcards)[0], size_of(wildcards), attempt)


def megabytes(base, per_input=0.0):
    """Memory of a job on tables, MB: a base and a multiple of its input's size; half as much again at each retry."""
    return lambda wildcards, input, attempt: int((base + per_input * input.size_mb) * 1.5 ** (attempt - 1))


def minutes(base, per_gigabyte=0.0):
    """Time limit of a job on tables, minutes, from its input's size; doubled at each retry."""
    return lambda wildcards, input, attempt: int((base + per_gigabyte * input.size_mb / 1000) * 2 ** (attempt - 1))


def planes(sessions=SESSIONS):
    return [(key, plane) for key, session in sessions.items() for plane in range(session.planes)]


def of_recipe(**patterns):
    """Input function: paths by name, with the methods of the wildcard `recipe` filled in."""
    methods = {name: recipe.model_dump() for name, recipe in cfg.recipes.items()}

    def files(wildcards):
        where = {"session": wildcards.session, "plane": wildcards.plane, **methods[wildcards.recipe]}
        return {name: pattern.format(**where) for name, pattern in patterns.items()}

    return unpack(asked_once(files))


@asked_once
def denoising_of_recipe(wildcards):
    """What denoising left of the recipe's movie, for the page; nothing where the recipe does not denoise."""
    methods = cfg.recipes[wildcards.recipe].model_dump()
    if not cfg.denoises(methods["denoise"]):
        return {}
    folder = DENOISE.format(session=wildcards.session, plane=wildcards.plane, **methods)
    files = {"noise": "noise.npz", "curve": "training.parquet", "check": "check.parquet", "images": "images.npz"}
    return {f"denoising_{name}": f"{folder}/{file}" for name, file in files.items()}


@asked_once
def raw_files(wildcards):
    """A raw file that was touched or copied, and not changed, does not count as new. (Snakemake's own check of contents
    would read every movie after each of its jobs.)"""
    session = SESSIONS[wildcards.session]
    if session.simulate is not None:
        return [f"{RESULTS}/{wildcards.session}/truth/movie.tif"]
    files = session.files()
    made = f"{PLANE}/acquisition.json".format(session=wildcards.session, plane=wildcards.plane)
    touched = only_touched(files, Path(made))
    return [ancient(file.as_posix()) if same else file.as_posix() for file, same in zip(files, touched)]


@asked_once
def motion_channel(wildcards):
    """The movie on which motion is estimated, when it is not the one that is moved."""
    if not SESSIONS[wildcards.session].other_channel:
        return []
    return f"{PLANE}/motion_channel.npy".format(session=wildcards.session, plane=wildcards.plane)


@asked_once
def movies_to_extract(wildcards):
    """The registered movie; or the denoised one, and beside it the one that was measured and what is known of its
    noise. What is not denoised is not copied. As a control, the movie without noise."""
    if wildcards.denoise == CLEAN:
        return {"movie": f"{RESULTS}/{wildcards.session}/truth/clean.npy"}
    registered = f"{MOTION}/movie.npy".format(**wildcards)
    if not cfg.denoises(wildcards.denoise):
        return {"movie": registered}
    denoised = f"{DENOISE}/movie.npy".format(**wildcards)
    return {"movie": denoised, "measured": registered, "noise": f"{DENOISE}/noise.npz".format(**wildcards)}


def study_page(wildcards):
    """What `snakemake` makes when no target is named; `train` and `benchmark` need no session."""
    if not SESSIONS:
        raise WorkflowError(f"{cfg.sessions}: no session in it; write one row per recording, or try `make demo`")
    # Snakemake misses only what is asked for: the table after an error, and a session's page when its folder was deleted.
    page, table = f"{RESULTS}/index.html", f"{RESULTS}/study.parquet"
    complete = os.path.exists(table) and workflow.dag_settings.batch is None
    return [page, table, *(lost for lost in session_pages() if complete and not os.path.exists(lost))]


def session_pages():
    """They depend on everything else."""
    return [entry.file("report").as_posix() for entry in STUDY.rows]


def dff_smoothing(wildcards):
    return cfg.smoothing if cfg.denoises(wildcards.denoise) else None


def dff_identity(wildcards):
    return DFF_IDENTITY[cfg.denoises(wildcards.denoise)]


def scored_method(wildcards):
    return None if wildcards.scored == "controls" else cfg.backend("spikes", wildcards.scored)


def scored_identity(script):
    """Tracked by Snakemake: what decides the scores of one backend. Which others are scored, and how often intervals
    are drawn, is not of it."""

    def of(wildcards):
        backend = scored_method(wildcards)
        return {
            "parameters": cfg.benchmark.model_dump(
                mode="json", exclude={"backends", "bootstrap", "recordings", "tables"}
            )
            | {"method": backend and backend.model_dump(mode="json")},
            "files": [file_hash(path) for path in backend.files()] if backend else [],
            "indicators": {name: indicator.model_dump() for name, indicator in indicators().items()},
            "code": code_of(script, *([type(backend).__module__] if backend else [])),
        }

    return of


def benchmark_pages(wildcards):
    """What `snakemake benchmark` makes: spikes where there is ground truth, recordings where sessions are simulated."""
    pages = [f"{BENCHMARK}/report.html"] if cfg.ground_truth else []
    pages += [f"{BENCHMARK}/recordings.html"] if SIMULATED else []
    if not pages:
        raise WorkflowError(
            "benchmark: nothing has a known truth; name recordings under `ground_truth` in the config, or add "
            f"simulated sessions to {cfg.sessions} (column `simulate`, parameters under `simulation` in the config)"
        )
    return pages


def simulation_of(wildcards):
    return cfg.simulation[SESSIONS[wildcards.session].simulate]


def recording_identity(script):
    """Tracked by Snakemake: what decides the scores of a simulated plane, besides its files."""
    return lambda wildcards: {
        "parameters": cfg.benchmark.recordings.model_dump(mode="json"),
        "simulation": simulation_of(wildcards).model_dump(mode="json", include={"photons", "density"}),
        "code": code_of(script),
    }


def recipe_methods(wildcards):
    """Names of a recipe and its methods, as columns of the benchmark's tables."""
    methods = cfg.recipes[wildcards.recipe].model_dump()
    return {"recipe": wildcards.recipe, "motion_method": methods.pop("motion"), **methods}


def scored_motion(key):
    """Motion corrections of the config that are scored on a simulated session; where nothing moves, those of recipes."""
    used = {recipe.motion for recipe in cfg.recipes.values()}
    return [name for name in cfg.motion if name in used or not cfg.simulation[SESSIONS[key].simulate].still]


def motion_scores():
    """Scores of motion corrections on every simulated plane."""
    return [
        f"{SCORES}/motion-{{motion}}.parquet".format(session=key, plane=plane, motion=motion)
        for key, plane in planes(SIMULATED)
        for motion in scored_motion(key)
    ]


def denoising_scores(file="scores.parquet"):
    """Scores of every denoising on the simulated planes in which nothing moves, and of the movie as it was recorded.

    Only there, without motion correction, pixels of the movie without noise are those of the registered one.
    """
    recipes = [recipe for recipe in cfg.recipes.values() if cfg.motion[recipe.motion].backend == "none"]
    pairs = dict.fromkeys((recipe.motion, recipe.denoise) for recipe in recipes if cfg.denoises(recipe.denoise))
    control = next((name for name in cfg.denoise if not cfg.denoises(name)), None)
    controls = dict.fromkeys((motion, control) for motion, _ in pairs if control)
    still = {key: session for key, session in SIMULATED.items() if cfg.simulation[session.simulate].still}
    return [
        f"{SCORES}/denoise-{{motion}}-{{denoise}}/{file}".format(
            session=key, plane=plane, motion=motion, denoise=denoise
        )
        for key, plane in planes(still)
        for motion, denoise in [*controls, *pairs]
    ]


@asked_once
def movie_to_score(wildcards):
    return movies_to_extract(wildcards)["movie"]


def denoising_identity(wildcards):
    """Tracked by Snakemake: what decides the scores of a denoising, besides its files."""
    backend = cfg.backend("spikes", SCORED_SPIKES)
    return {
        "parameters": {
            "recordings": cfg.benchmark.recordings.model_dump(mode="json"),
            "dff": cfg.dff.model_dump(mode="json"),
            "spikes": backend.model_dump(mode="json", exclude={"model"}),
        },
        "simulation": simulation_of(wildcards).model_dump(mode="json", include={"photons", "density", "null_movie"}),
        "indicator": indicators()[SESSIONS[wildcards.session].indicator].model_dump(),
        "files": [file_hash(path) for path in backend.files()],
        "code": code_of("benchmark_denoising.py", type(backend).__module__),
    }


def recipe_scores(table):
    """One of the tables of scores of every recipe on every simulated plane."""
    return [
        f"{SCORES}/recipe-{{recipe}}/{table}.parquet".format(session=key, plane=plane, recipe=recipe)
        for key, plane in planes(SIMULATED)
        for recipe in cfg.recipes
    ]


def timed_jobs():
    """Jobs on simulated sessions whose costs the benchmark compares, and the files with their timings."""
    jobs = []
    for key, session in SIMULATED.items():
        simulation = cfg.simulation[session.simulate]
        size = {"frames": simulation.frames, "pixels": simulation.height * simulation.width}
        whole = size | {"frames": simulation.frames * session.planes}
        file = timing_of("{session}/simulate").format(session=key)
        jobs.append(
            {"stage": "simulate", "name": session.simulate, "session": key, "plane": None, "file": file} | whole
        )
        for plane in range(session.planes):
            where = {"session": key, "plane": plane}
            for name in scored_motion(key):
                file = timing_of(MOTION_STEP).format(**where, motion=name)
                jobs.append({"stage": "motion", "name": name, "file": file} | where | size)
            denoised = {(recipe.motion, recipe.denoise): recipe for recipe in cfg.recipes.values()}
            for recipe in denoised.values():
                if cfg.denoises(recipe.denoise):
                    file = timing_of(DENOISE_STEP).format(**where, **recipe.model_dump())
                    jobs.append({"stage": "denoise", "name": recipe.denoise, "file": file} | where | size)
            chains = {(recipe.motion, recipe.denoise, recipe.extract): recipe for recipe in cfg.recipes.values()}
            for recipe in chains.values():
                if recipe.extract in cfg.extract:
                    file = timing_of(EXTRACT_STEP).format(**where, **recipe.model_dump())
                    jobs.append({"stage": "extract", "name": recipe.extract, "file": file} | where | size)
    return jobs


def benchmark_table_of(name):
    """A table of the benchmark on simulated sessions: of this run, or of one made elsewhere."""
    return f"{(cfg.benchmark.tables.as_posix() if cfg.benchmark.tables else BENCHMARK)}/{name}"


def results_so_far():
    """Every plane of a real session that some recipe has been run on, as plain values."""
    recordings = []
    for key, plane in planes({key: session for key, session in SESSIONS.items() if session.simulate is None}):
        where = {"session": key, "plane": plane}
        found = {
            (recipe.motion, recipe.denoise, recipe.extract): {
                "motion_method": recipe.motion,
                "shifts": f"{MOTION}/shifts.parquet".format(**where, **recipe.model_dump()),
                "traces": f"{EXTRACT}/traces.parquet".format(**where, **recipe.model_dump()),
            }
            for recipe in cfg.recipes.values()
        }
        chains = [chain for chain in found.values() if os.path.exists(chain["traces"])]
        if chains:
            names = {"acquisition": "acquisition.json", "raw_quality": "raw_quality.parquet"}
            files = {name: f"{PLANE}/{file}".format(**where) for name, file in names.items()}
            recordings.append({**where, **files, "chains": chains})
    return recordings


def files_of_recordings(wildcards):
    """What `suggest` reads of real sessions."""
    if not cfg.benchmark.tables and not SIMULATED:
        raise WorkflowError(
            f"suggest: there is no benchmark to go by; add simulated sessions to {cfg.sessions} (column `simulate`), or "
            "name the folder of a benchmark under `benchmark.tables` in the config"
        )
    recordings = results_so_far()
    if not recordings:
        raise WorkflowError(f"suggest: no real session of {cfg.sessions} has results yet; run `snakemake` first")
    return [
        path
        for recording in recordings
        for path in (
            recording["acquisition"],
            recording["raw_quality"],
            *(chain[name] for chain in recording["chains"] for name in ("shifts", "traces")),
        )
    ]


def realism_of_planes(wildcards):
    """The statistics of every plane, by the first recipe; there must be both real and simulated ones."""
    simulated = {session.simulate is not None for session in SESSIONS.values()}
    if simulated != {True, False}:
        raise WorkflowError(
            f"{cfg.sessions}: realism compares simulated with real recordings, and there is none of "
            f"{'either' if not simulated else 'the real ones' if True in simulated else 'the simulated ones'}; "
            "add a row with `path` or with `simulate`"
        )
    pattern, recipe = f"{PLANE}/realism-{{recipe}}.parquet", next(iter(cfg.recipes))
    return [pattern.format(session=session, plane=plane, recipe=recipe) for session, plane in planes()]


def score_what_there_is():
    """After an error: tables and page of the scores that were made, the others named; marked as incomplete, so that
    their rules run as soon as they can. Returns what is missing, in words."""
    from groundtrace.benchmark.parts import write_timing
    from groundtrace.benchmark.recordings import TABLES, join_recording_timing, write_scores
    from groundtrace.io import write_text
    from groundtrace.report.recordings import render_recordings

    parts = {name: recipe_scores(name) for name in TABLES}
    parts |= {"motion": motion_scores(), "denoising": denoising_scores()}
    made = {name: [path for path in paths if os.path.exists(path)] for name, paths in parts.items()}
    listed = ("motion", "denoising", "recipes")
    lost = sorted({path for name in listed for path in parts[name]} - {path for name in listed for path in made[name]})
    absent = [os.path.relpath(path, f"{BENCHMARK}/recordings").removesuffix(".parquet") for path in lost]
    if absent and all(made[name] for name in made if name != "denoising"):
        timing = join_recording_timing([job for job in timed_jobs() if os.path.exists(job["file"])])
        write_timing(f"{BENCHMARK}/recordings_timing.tsv", timing)
        tables = write_scores(made, BENCHMARK)
        page = render_recordings(**tables, timing=timing, parameters=cfg.benchmark, absent=absent)
        write_text(f"{BENCHMARK}/recordings.html", page)
        for job in workflow.dag.jobs:
            if job.rule.name in ("benchmark_recordings_table", "benchmark_recordings_report"):
                workflow.persistence.started(job)
    return absent
