# Which files the benchmarks need, and what decides them.


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
