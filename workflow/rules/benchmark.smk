BENCHMARK = f"{RESULTS}/benchmark"
# The do-nothing controls are scored by one job of this name.
SCORED = [*(cfg.benchmark.backends or cfg.spikes), "controls"]


wildcard_constraints:
    scored="|".join(SCORED),
    part=r"\d+",


rule benchmark:
    """Scores of every spike backend on ground truth, and their page."""
    input:
        f"{BENCHMARK}/report.html",


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
            "parameters": cfg.benchmark.model_dump(mode="json"),
            "code": code_of("benchmark_report.py"),
            "page": data_hash("report/templates"),
        },
    script:
        "../scripts/benchmark_report.py"
