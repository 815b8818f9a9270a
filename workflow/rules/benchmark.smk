# The do-nothing controls are scored by one job of this name.
SCORED = [*(cfg.benchmark.backends or cfg.spikes), "controls"]


wildcard_constraints:
    scored="|".join(SCORED),
    part=r"\d+",


rule benchmark:
    """Scores of every spike backend on ground truth, of whole recipes on simulated sessions, and their pages."""
    input:
        benchmark_pages,


rule benchmark_spikes:
    """Scores of one spike backend, or of the controls, on every n-th data set."""
    input:
        ground_truth=f"{RESULTS}/ground_truth.parquet",
    output:
        table=f"{BENCHMARK}/parts/{{scored}}-{{part}}.parquet",
        timing=f"{BENCHMARK}/parts/{{scored}}-{{part}}.tsv",
    log:
        log_of("benchmark/{scored}-{part}"),
    benchmark:
        timing_of("benchmark/{scored}-{part}")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=megabytes(3000, per_input=4),
        runtime=minutes(240),
    params:
        method=scored_method,
        parameters=cfg.benchmark,
        identity=scored_identity("benchmark_spikes.py"),
    script:
        "../scripts/benchmark_spikes.py"


rule benchmark_population:
    """Pairwise correlations of a simulated population after one spike backend, or of its dF/F."""
    output:
        table=f"{BENCHMARK}/parts/{{scored}}-population.parquet",
    log:
        log_of("benchmark/{scored}-population"),
    benchmark:
        timing_of("benchmark/{scored}-population")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=megabytes(3000),
        runtime=minutes(120),
    params:
        method=scored_method,
        parameters=cfg.benchmark,
        identity=scored_identity("benchmark_population.py"),
    script:
        "../scripts/benchmark_population.py"


rule benchmark_table:
    """One table of all scores; the time they took, which no two runs share, in a file of its own."""
    input:
        tables=expand(
            f"{BENCHMARK}/parts/{{scored}}-{{part}}.parquet",
            scored=SCORED,
            part=[*range(cfg.benchmark.parts), "population"],
        ),
        timings=expand(f"{BENCHMARK}/parts/{{scored}}-{{part}}.tsv", scored=SCORED, part=range(cfg.benchmark.parts)),
    output:
        table=f"{BENCHMARK}/spikes.parquet",
        timing=f"{BENCHMARK}/spikes_timing.tsv",
    log:
        log_of("benchmark/table"),
    benchmark:
        timing_of("benchmark/table")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=megabytes(2000, per_input=40),
        runtime=minutes(15),
    params:
        identity={"code": code_of("benchmark_table.py")},
    script:
        "../scripts/benchmark_table.py"


rule benchmark_report:
    """The page of the benchmark."""
    input:
        table=f"{BENCHMARK}/spikes.parquet",
        timing=f"{BENCHMARK}/spikes_timing.tsv",
    output:
        page=report(f"{BENCHMARK}/report.html", caption="../report/benchmark.rst", category="Benchmark"),
    log:
        log_of("benchmark/report"),
    benchmark:
        timing_of("benchmark/report")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=megabytes(2000, per_input=40),
        runtime=minutes(30),
    params:
        parameters=cfg.benchmark,
        identity={
            "parameters": cfg.benchmark.model_dump(mode="json", exclude={"recordings", "tables"}),
            "code": code_of("benchmark_report.py"),
            "page": data_hash("report/templates"),
        },
    script:
        "../scripts/benchmark_report.py"


rule oracle:
    """The control among extractions: the true footprints of a simulated plane, measured in its registered movie."""
    input:
        unpack(movies_to_extract),
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        true_shifts=f"{RESULTS}/{{session}}/truth/shifts.parquet",
        true_cells=f"{RESULTS}/{{session}}/truth/cells.parquet",
    output:
        rois=f"{MOTION}/denoise-{{denoise}}/extract-oracle/rois.parquet",
        fluorescence=f"{MOTION}/denoise-{{denoise}}/extract-oracle/fluorescence.parquet",
    log:
        log_of(f"{MOTION_STEP}_denoise-{{denoise}}_extract-oracle"),
    benchmark:
        timing_of(f"{MOTION_STEP}_denoise-{{denoise}}_extract-oracle")
    conda:
        environment("suite2p")
    threads: 2
    resources:
        mem_mb=memory("oracle"),
        runtime=time_limit("oracle"),
    params:
        parameters=cfg.benchmark.recordings,
        identity=recording_identity("oracle.py"),
    script:
        "../scripts/oracle.py"


rule benchmark_motion:
    """Displacement that one motion correction left of a simulated plane."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        true_shifts=f"{RESULTS}/{{session}}/truth/shifts.parquet",
    output:
        table=f"{SCORES}/motion-{{motion}}.parquet",
    log:
        log_of(f"benchmark/{MOTION_STEP}"),
    benchmark:
        timing_of(f"benchmark/{MOTION_STEP}")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=memory("benchmark_motion"),
        runtime=time_limit("benchmark_motion"),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=simulation_of,
        identity=recording_identity("benchmark_motion.py"),
    script:
        "../scripts/benchmark_motion.py"


rule benchmark_recipe:
    """Cells, traces and spikes of one recipe against those of a simulated plane."""
    input:
        of_recipe(
            shifts=f"{MOTION}/shifts.parquet",
            images=f"{MOTION}/images.npz",
            rois=f"{EXTRACT}/rois.parquet",
            traces=f"{EXTRACT}/traces.parquet",
            spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
        ),
        acquisition=f"{PLANE}/acquisition.json",
        true_shifts=f"{RESULTS}/{{session}}/truth/shifts.parquet",
        true_cells=f"{RESULTS}/{{session}}/truth/cells.parquet",
    output:
        cells=f"{SCORES}/recipe-{{recipe}}/cells.parquet",
        extraction=f"{SCORES}/recipe-{{recipe}}/extraction.parquet",
        recipe=f"{SCORES}/recipe-{{recipe}}/recipes.parquet",
    log:
        log_of(f"benchmark/{STEP}/recipe-{{recipe}}"),
    benchmark:
        timing_of(f"benchmark/{STEP}/recipe-{{recipe}}")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=memory("benchmark_recipe"),
        runtime=time_limit("benchmark_recipe"),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=simulation_of,
        methods=recipe_methods,
        identity=recording_identity("benchmark_recipe.py"),
    script:
        "../scripts/benchmark_recipe.py"


rule benchmark_denoised_movie:
    """Pixels of a denoised movie, or of the registered one, against the movie without noise. Movies are large and go as
    soon as they can: what is asked of them is a job of its own."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        movie=movie_to_score,
        clean=f"{RESULTS}/{{session}}/truth/clean.npy",
    output:
        scores=f"{SCORES}/denoise-{{motion}}-{{denoise}}/movie.json",
    log:
        log_of(f"benchmark/{DENOISE_STEP}_movie"),
    benchmark:
        timing_of(f"benchmark/{DENOISE_STEP}_movie")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=memory("benchmark_denoised_movie"),
        runtime=time_limit("benchmark_denoised_movie"),
    params:
        simulation=simulation_of,
        identity={"code": code_of("benchmark_denoised_movie.py")},
    script:
        "../scripts/benchmark_denoised_movie.py"


rule benchmark_denoising:
    """Denoised traces of the true footprints of a simulated plane against those of the movie without noise."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        true_shifts=f"{RESULTS}/{{session}}/truth/shifts.parquet",
        true_cells=f"{RESULTS}/{{session}}/truth/cells.parquet",
        movie=f"{SCORES}/denoise-{{motion}}-{{denoise}}/movie.json",
        fluorescence=f"{DENOISE}/extract-oracle/fluorescence.parquet",
        traces=f"{DENOISE}/extract-oracle/traces.parquet",
        clean=f"{MOTION}/denoise-{CLEAN}/extract-oracle/traces.parquet",
    output:
        table=f"{SCORES}/denoise-{{motion}}-{{denoise}}/scores.parquet",
    log:
        log_of(f"benchmark/{DENOISE_STEP}"),
    benchmark:
        timing_of(f"benchmark/{DENOISE_STEP}")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=memory("benchmark_denoising"),
        runtime=time_limit("benchmark_denoising"),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=simulation_of,
        dff=cfg.dff,
        spikes=cfg.backend("spikes", SCORED_SPIKES),
        identity=denoising_identity,
    script:
        "../scripts/benchmark_denoising.py"


rule benchmark_recordings_table:
    """One table of each kind of score on simulated sessions, and the costs of the methods, which no two runs share."""
    input:
        motion=motion_scores(),
        extraction=recipe_scores("extraction"),
        cells=recipe_scores("cells"),
        recipes=recipe_scores("recipes"),
        denoising=denoising_scores(),
        timings=[job["file"] for job in timed_jobs()],
    output:
        motion=f"{BENCHMARK}/motion.parquet",
        extraction=f"{BENCHMARK}/extraction.parquet",
        cells=f"{BENCHMARK}/cells.parquet",
        recipes=f"{BENCHMARK}/recipes.parquet",
        denoising=f"{BENCHMARK}/denoising.parquet",
        timing=f"{BENCHMARK}/recordings_timing.tsv",
    log:
        log_of("benchmark/recordings_table"),
    benchmark:
        timing_of("benchmark/recordings_table")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=megabytes(1000, per_input=40),
        runtime=minutes(15),
    params:
        jobs=timed_jobs(),
        identity={"code": code_of("benchmark_recordings_table.py")},
    script:
        "../scripts/benchmark_recordings_table.py"


rule benchmark_recordings_report:
    """The page of the benchmark on simulated sessions."""
    input:
        motion=f"{BENCHMARK}/motion.parquet",
        extraction=f"{BENCHMARK}/extraction.parquet",
        cells=f"{BENCHMARK}/cells.parquet",
        recipes=f"{BENCHMARK}/recipes.parquet",
        denoising=f"{BENCHMARK}/denoising.parquet",
        timing=f"{BENCHMARK}/recordings_timing.tsv",
    output:
        page=report(f"{BENCHMARK}/recordings.html", caption="../report/recordings.rst", category="Benchmark"),
    log:
        log_of("benchmark/recordings_report"),
    benchmark:
        timing_of("benchmark/recordings_report")
    conda:
        environment("benchmark")
    threads: 1
    resources:
        mem_mb=megabytes(1000, per_input=40),
        runtime=minutes(15),
    params:
        parameters=cfg.benchmark,
        identity={
            "parameters": cfg.benchmark.model_dump(mode="json", include={"recordings", "bootstrap", "seed"}),
            "code": code_of("benchmark_recordings_report.py"),
            "page": data_hash("report/templates"),
        },
    script:
        "../scripts/benchmark_recordings_report.py"
