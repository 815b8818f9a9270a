wildcard_constraints:
    scored="|".join(plan.scored),
    shard=r"\d+",


rule benchmark:
    """Scores of every spike backend on ground truth, of whole recipes on simulated sessions, and their pages."""
    input:
        targets.pages,


rule benchmark_spikes:
    """Scores of one spike backend, or of the controls, on every n-th data set."""
    input:
        ground_truth=f"{RESULTS}/ground_truth.parquet",
    output:
        table=f"{BENCHMARK}/parts/{{scored}}-{{shard}}.parquet",
        timing=f"{BENCHMARK}/parts/{{scored}}-{{shard}}.tsv",
    log:
        plan.log("benchmark/{scored}-{shard}"),
    benchmark:
        plan.timing("benchmark/{scored}-{shard}")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(3000, per_input=4),
        runtime=minutes(240),
    params:
        method=plan.scored_method,
        parameters=cfg.benchmark,
        identity=identity("benchmark_spikes"),
    script:
        "../scripts/benchmark_spikes.py"


rule benchmark_population:
    """Pairwise correlations of a simulated population after one spike backend, or of its dF/F."""
    output:
        table=f"{BENCHMARK}/parts/{{scored}}-population.parquet",
    log:
        plan.log("benchmark/{scored}-population"),
    benchmark:
        plan.timing("benchmark/{scored}-population")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(3000),
        runtime=minutes(120),
    params:
        method=plan.scored_method,
        parameters=cfg.benchmark,
        identity=identity("benchmark_population"),
    script:
        "../scripts/benchmark_population.py"


rule benchmark_table:
    """One table of all scores; the time they took, which no two runs share, in a file of its own."""
    input:
        tables=targets.shards("parquet"),
        timings=targets.shards("tsv"),
    output:
        table=f"{BENCHMARK}/spikes.parquet",
        timing=f"{BENCHMARK}/spikes_timing.tsv",
    log:
        plan.log("benchmark/table"),
    benchmark:
        plan.timing("benchmark/table")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000, per_input=40),
        runtime=minutes(15),
    params:
        identity=identity("benchmark_table"),
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
        plan.log("benchmark/report"),
    benchmark:
        plan.timing("benchmark/report")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2000, per_input=40),
        runtime=minutes(30),
    params:
        parameters=cfg.benchmark,
        identity=identity("benchmark_report"),
    script:
        "../scripts/benchmark_report.py"


rule oracle:
    """The control among extractions: the true footprints of a simulated plane, measured in its registered movie."""
    input:
        unpack(inputs.movies_to_extract),
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        true_shifts=f"{TRUTH}/shifts.parquet",
        true_cells=f"{TRUTH}/cells.parquet",
    output:
        rois=f"{MOTION}/denoise-{{denoise}}/extract-oracle/found.parquet",
        fluorescence=f"{MOTION}/denoise-{{denoise}}/extract-oracle/fluorescence.parquet",
        images=f"{MOTION}/denoise-{{denoise}}/extract-oracle/extraction_images.npz",
        quality=f"{MOTION}/denoise-{{denoise}}/extract-oracle/extraction_quality.parquet",
    log:
        plan.log(f"{MOTION_LOG}_denoise-{{denoise}}_extract-oracle"),
    benchmark:
        plan.timing(f"{MOTION_LOG}_denoise-{{denoise}}_extract-oracle")
    conda:
        "../../envs/core.yaml"
    threads: 2
    resources:
        mem_mb=requests.memory("oracle"),
        runtime=requests.time_limit("oracle"),
    params:
        parameters=cfg.benchmark.recordings,
        identity=identity("oracle"),
    script:
        "../scripts/oracle.py"


rule benchmark_motion:
    """Displacement that one motion correction left of a simulated plane."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        true_shifts=f"{TRUTH}/shifts.parquet",
    output:
        table=f"{SCORES}/motion-{{motion}}.parquet",
    log:
        plan.log(f"benchmark/{MOTION_LOG}"),
    benchmark:
        plan.timing(f"benchmark/{MOTION_LOG}")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("benchmark_motion"),
        runtime=requests.time_limit("benchmark_motion"),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=plan.simulation_of,
        labels=plan.labels("benchmark_motion"),
        identity=identity("benchmark_motion"),
    script:
        "../scripts/benchmark_motion.py"


rule benchmark_recipe:
    """Cells, traces and spikes of one recipe against those of a simulated plane."""
    input:
        unpack(
            inputs.of_recipe(
                shifts=f"{MOTION}/shifts.parquet",
                images=f"{MOTION}/images.npz",
                rois=f"{EXTRACT}/rois.parquet",
                traces=f"{EXTRACT}/traces.parquet",
                spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
            )
        ),
        acquisition=f"{PLANE}/acquisition.json",
        true_shifts=f"{TRUTH}/shifts.parquet",
        true_cells=f"{TRUTH}/cells.parquet",
    output:
        cells=f"{SCORES}/recipe-{{recipe}}/cells.parquet",
        extraction=f"{SCORES}/recipe-{{recipe}}/extraction.parquet",
        recipe=f"{SCORES}/recipe-{{recipe}}/recipes.parquet",
    log:
        plan.log(f"benchmark/{PLANE_LOG}/recipe-{{recipe}}"),
    benchmark:
        plan.timing(f"benchmark/{PLANE_LOG}/recipe-{{recipe}}")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("benchmark_recipe"),
        runtime=requests.time_limit("benchmark_recipe"),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=plan.simulation_of,
        methods=plan.recipe_methods,
        labels=plan.labels("benchmark_recipe"),
        identity=identity("benchmark_recipe"),
    script:
        "../scripts/benchmark_recipe.py"


rule benchmark_responses:
    """Responses of the cells that one recipe found on a simulated plane against their true ones, and encoding models
    fitted to them."""
    input:
        unpack(
            inputs.of_recipe(
                traces=f"{EXTRACT}/traces.parquet",
                spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
                responses=f"{EXTRACT}/responses-{{spikes}}.parquet",
            )
        ),
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        presentations=f"{PLANE}/presentations.parquet",
        cells=f"{SCORES}/recipe-{{recipe}}/cells.parquet",
        true_cells=f"{TRUTH}/cells.parquet",
        true_responses=f"{TRUTH}/responses.parquet",
        images=plan.at(layout.TRUE_IMAGES),
    output:
        table=f"{SCORES}/recipe-{{recipe}}/responses.parquet",
        encoding=f"{SCORES}/recipe-{{recipe}}/encoding.parquet",
    log:
        plan.log(f"benchmark/{PLANE_LOG}/recipe-{{recipe}}_responses"),
    benchmark:
        plan.timing(f"benchmark/{PLANE_LOG}/recipe-{{recipe}}_responses")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(3000, 4),
        runtime=minutes(240),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=plan.simulation_of,
        leads=plan.leads,
        method=cfg.responses,
        models=cfg.encode,
        encoding=cfg.encoding,
        identity=identity("benchmark_responses"),
    script:
        "../scripts/benchmark_responses.py"


rule benchmark_denoised_movie:
    """Pixels of a denoised movie, or of the registered one, against the movie without noise. Movies are large and go as
    soon as they can: what is asked of them is a job of its own."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        movie=inputs.movie_to_score,
        clean=f"{TRUTH}/clean.npy",
    output:
        scores=f"{SCORES}/denoise-{{motion}}-{{denoise}}/movie.json",
    log:
        plan.log(f"benchmark/{DENOISE_LOG}_movie"),
    benchmark:
        plan.timing(f"benchmark/{DENOISE_LOG}_movie")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("benchmark_denoised_movie"),
        runtime=requests.time_limit("benchmark_denoised_movie"),
    params:
        simulation=plan.simulation_of,
        identity=identity("benchmark_denoised_movie"),
    script:
        "../scripts/benchmark_denoised_movie.py"


rule benchmark_denoising:
    """Denoised traces of the true footprints of a simulated plane against those of the movie without noise."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        true_shifts=f"{TRUTH}/shifts.parquet",
        true_cells=f"{TRUTH}/cells.parquet",
        movie=f"{SCORES}/denoise-{{motion}}-{{denoise}}/movie.json",
        fluorescence=f"{DENOISE}/extract-oracle/fluorescence.parquet",
        traces=f"{DENOISE}/extract-oracle/traces.parquet",
        clean=f"{MOTION}/denoise-{CLEAN}/extract-oracle/traces.parquet",
    output:
        table=f"{SCORES}/denoise-{{motion}}-{{denoise}}/scores.parquet",
    log:
        plan.log(f"benchmark/{DENOISE_LOG}"),
    benchmark:
        plan.timing(f"benchmark/{DENOISE_LOG}")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("benchmark_denoising"),
        runtime=requests.time_limit("benchmark_denoising"),
    params:
        parameters=cfg.benchmark.recordings,
        simulation=plan.simulation_of,
        dff=cfg.dff,
        spikes=plan.scored_spikes,
        labels=plan.labels("benchmark_denoising"),
        identity=identity("benchmark_denoising"),
    script:
        "../scripts/benchmark_denoising.py"


rule benchmark_recordings_table:
    """One table of each kind of score on simulated sessions, and the costs of the methods, which no two runs share."""
    input:
        motion=targets.motion_scores(),
        extraction=targets.recipe_scores("extraction"),
        cells=targets.recipe_scores("cells"),
        recipes=targets.recipe_scores("recipes"),
        denoising=targets.denoising_scores(),
        responses=targets.response_scores("responses"),
        encoding=targets.response_scores("encoding"),
        timings=[job["file"] for job in targets.timed_jobs()],
    output:
        motion=f"{BENCHMARK}/motion.parquet",
        extraction=f"{BENCHMARK}/extraction.parquet",
        cells=f"{BENCHMARK}/cells.parquet",
        recipes=f"{BENCHMARK}/recipes.parquet",
        denoising=f"{BENCHMARK}/denoising.parquet",
        responses=f"{BENCHMARK}/responses.parquet",
        encoding=f"{BENCHMARK}/encoding.parquet",
        timing=f"{BENCHMARK}/recordings_timing.tsv",
    log:
        plan.log("benchmark/recordings_table"),
    benchmark:
        plan.timing("benchmark/recordings_table")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000, per_input=40),
        runtime=minutes(15),
    params:
        jobs=targets.timed_jobs(),
        identity=identity("benchmark_recordings_table"),
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
        responses=f"{BENCHMARK}/responses.parquet",
        encoding=f"{BENCHMARK}/encoding.parquet",
        timing=f"{BENCHMARK}/recordings_timing.tsv",
    output:
        page=report(f"{BENCHMARK}/recordings.html", caption="../report/recordings.rst", category="Benchmark"),
    log:
        plan.log("benchmark/recordings_report"),
    benchmark:
        plan.timing("benchmark/recordings_report")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000, per_input=40),
        runtime=minutes(15),
    params:
        parameters=cfg.benchmark,
        identity=identity("benchmark_recordings_report"),
    script:
        "../scripts/benchmark_recordings_report.py"
