rule suggest:
    """Which recipe for each real session that has results, by the benchmark's simulated sessions that are like it."""
    input:
        files=targets.files_of_recordings,
        recipes=targets.table("recipes.parquet"),
        extraction=targets.table("extraction.parquet"),
        timing=targets.table("recordings_timing.tsv"),
    output:
        table=f"{RESULTS}/suggest.parquet",
        page=report(f"{RESULTS}/suggest.html", caption="../report/suggest.rst", category="Benchmark"),
    log:
        plan.log("suggest"),
    benchmark:
        plan.timing("suggest")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000, per_input=2),
        runtime=minutes(15),
    params:
        recordings=targets.results_so_far(),
        recipes={name: recipe.model_dump() for name, recipe in cfg.recipes.items()},
        parameters=cfg.benchmark,
        identity=identity("suggest"),
    script:
        "../scripts/suggest.py"
