from snakemake.exceptions import WorkflowError

from groundtrace.config import load
from groundtrace.errors import GroundtraceError
from groundtrace.indicators import indicators
from groundtrace.provenance import data_hash, file_hash, source_hash
from groundtrace.sessions import read_sheet

try:
    cfg = load(config)
    SESSIONS = read_sheet(cfg.sessions, cfg.simulation)
    cfg.check_sessions(SESSIONS)
except GroundtraceError as error:
    raise WorkflowError(str(error)) from None

SIMULATED = {key: session for key, session in SESSIONS.items() if session.simulate is not None}
RESULTS = cfg.results.as_posix()
# The recipe is the path: what shares a prefix shares its results.
PLANE = f"{RESULTS}/{{session}}/plane-{{plane}}"
MOTION = f"{PLANE}/motion-{{motion}}"
DENOISE = f"{MOTION}/denoise-{{denoise}}"
EXTRACT = f"{DENOISE}/extract-{{extract}}"
# Logs and timings mirror the path in one folder per plane.
STEP = "{session}/plane-{plane}"
MOTION_STEP = f"{STEP}/motion-{{motion}}"
DENOISE_STEP = f"{MOTION_STEP}_denoise-{{denoise}}"
EXTRACT_STEP = f"{DENOISE_STEP}_extract-{{extract}}"
BENCHMARK = f"{RESULTS}/benchmark"
# Scores of one plane.
SCORES = f"{BENCHMARK}/recordings/{STEP}"


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


def environment_of(stage):
    return lambda wildcards: environment(cfg.backend(stage, getattr(wildcards, stage)).environment)


def code_of(script, *modules):
    """Hash of a script, of modules, and of all that they use of the package."""
    return source_hash(os.path.join(workflow.basedir, "workflow", "scripts", script), *modules)


def identity(stage, script):
    """Tracked by Snakemake, which compares plain values only: a method's parameters and its code."""

    def of(wildcards):
        method = cfg.backend(stage, getattr(wildcards, stage))
        return {
            "parameters": method.model_dump(mode="json"),
            "code": code_of(script, type(method).__module__),
            "files": [file_hash(path) for path in method.files()],
        }

    return of


def method(stage):
    return lambda wildcards: cfg.backend(stage, getattr(wildcards, stage))


def megabytes(base, per_input=0.0):
    """Memory of a job, MB: a base and a multiple of its input's size; half as much again at each retry."""
    return lambda wildcards, input, attempt: int((base + per_input * input.size_mb) * 1.5 ** (attempt - 1))


def minutes(base, per_gigabyte=0.0):
    """Time limit of a job, minutes, from its input's size; doubled at each retry."""
    return lambda wildcards, input, attempt: int((base + per_gigabyte * input.size_mb / 1000) * 2 ** (attempt - 1))


def planes(sessions=SESSIONS):
    return [(key, plane) for key, session in sessions.items() for plane in range(session.planes)]


def recipe_path(pattern):
    """Input function: `pattern` with the methods of the wildcard `recipe` filled in."""
    return lambda wildcards: pattern.format(
        session=wildcards.session, plane=wildcards.plane, **cfg.recipes[wildcards.recipe].model_dump()
    )


def raw_files(wildcards):
    session = SESSIONS[wildcards.session]
    if session.simulate is not None:
        return [f"{RESULTS}/{wildcards.session}/truth/movie.tif"]
    return [path.as_posix() for path in session.files()]


def movie_to_extract(wildcards):
    """The denoised movie; with the backend `none` the registered one, which is not copied."""
    return f"{DENOISE}/movie.npy" if cfg.denoises(wildcards.denoise) else f"{MOTION}/movie.npy"


def measured_movie(wildcards):
    """Beside a denoised movie, the one that was measured, and what is known of its noise."""
    if not cfg.denoises(wildcards.denoise):
        return {}
    return {"measured": f"{MOTION}/movie.npy".format(**wildcards), "noise": f"{DENOISE}/noise.npz".format(**wildcards)}


def study_page(wildcards):
    """What `snakemake` makes when no target is named; `train` and `benchmark` need no session."""
    if not SESSIONS:
        raise WorkflowError(f"{cfg.sessions}: no session in it; write one row per recording, or try `make demo`")
    return f"{RESULTS}/index.html"


def study_entries():
    """What the study page has a row for: every session, plane and recipe, as plain values."""
    entries = []
    steps = (
        "{session}/simulate",
        f"{STEP}/ingest",
        MOTION_STEP,
        DENOISE_STEP,
        EXTRACT_STEP,
        f"{EXTRACT_STEP}_dff",
        f"{EXTRACT_STEP}_spikes-{{spikes}}",
        f"{STEP}/report-{{recipe}}",
    )
    for key, plane in planes():
        for name, recipe in cfg.recipes.items():
            where = {"session": key, "plane": plane, "recipe": name, **recipe.model_dump()}
            entries.append(
                {
                    "session": key,
                    "plane": plane,
                    "recipe": name,
                    "indicator": SESSIONS[key].indicator,
                    "results": RESULTS,
                    "acquisition": f"{PLANE}/acquisition.json".format(**where),
                    "raw_quality": f"{PLANE}/raw_quality.parquet".format(**where),
                    "motion_quality": f"{MOTION}/quality.parquet".format(**where),
                    "traces": f"{EXTRACT}/traces.parquet".format(**where),
                    "spikes": f"{EXTRACT}/spikes-{{spikes}}.parquet".format(**where),
                    "report": f"{PLANE}/report-{{recipe}}.html".format(**where),
                    "logs": [log_of(step).format(**where) for step in steps],
                }
            )
    return entries


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


def motion_scores():
    """Scores of every motion correction of the config on every simulated plane."""
    return [
        f"{SCORES}/motion-{{motion}}.parquet".format(session=key, plane=plane, motion=motion)
        for key, plane in planes(SIMULATED)
        for motion in cfg.motion
    ]


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
            for name in cfg.motion:
                file = timing_of(MOTION_STEP).format(**where, motion=name)
                jobs.append({"stage": "motion", "name": name, "file": file} | where | size)
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
