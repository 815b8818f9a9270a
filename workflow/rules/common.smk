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
    """Hash of a script, of modules, and of all that they use of the package; a job never compares it, and has none."""
    if not workflow.is_main_process:
        return None
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


def spike_trace(wildcards):
    """Column of the table Traces that spikes are inferred from."""
    denoised = cfg.denoises(wildcards.denoise) and cfg.backend("spikes", wildcards.spikes).reads_denoised
    return "dff_denoised" if denoised else "dff"


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
    if name == "dff" and dff_smoothing(wildcards):
        return NEEDS["dff/smoothed"], None
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
