rule suggest:
    """Which recipe for each real session that has results, by the benchmark's simulated sessions that are like it."""
    input:
        files=files_of_recordings,
        recipes=benchmark_table_of("recipes.parquet"),
        extraction=benchmark_table_of("extraction.parquet"),
        timing=benchmark_table_of("recordings_timing.tsv"),
    output:
        table=f"{RESULTS}/suggest.parquet",
        page=report(f"{RESULTS}/suggest.html", caption="../report/suggest.rst", category="Benchmark"),
    log:
        log_of("suggest"),
    benchmark:
        timing_of("suggest")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=megabytes(1000, per_input=2),
        runtime=minutes(15),
    params:
        recordings=results_so_far(),
        recipes={name: recipe.model_dump() for name, recipe in cfg.recipes.items()},
        parameters=cfg.benchmark,
        identity={
            "parameters": cfg.benchmark.model_dump(mode="json", include={"bootstrap", "seed"}),
            "indicators": {name: indicator.model_dump() for name, indicator in indicators().items()},
            "code": code_of("suggest.py"),
            "page": data_hash("report/templates"),
        },
    script:
        "../scripts/suggest.py"
