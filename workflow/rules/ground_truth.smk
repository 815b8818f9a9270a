rule ground_truth:
    """Recordings of neurons with known spikes, from all sources of the config, as one table."""
    input:
        # Those from the web are known by their hash.
        files=lambda w: [
            path.as_posix() for source in cfg.ground_truth.values() if not source.is_url for path in source.files()
        ],
    output:
        table=f"{RESULTS}/ground_truth.parquet",
    log:
        f"{RESULTS}/logs/ground_truth.log",
    benchmark:
        f"{RESULTS}/timings/ground_truth.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=megabytes(1500, per_input=12),
        runtime=minutes(30, per_gigabyte=30),
    params:
        sources=cfg.ground_truth,
        identity={
            # Where a file lies does not change what is in it.
            "sources": {
                name: source.model_dump(mode="json", exclude=None if source.is_url else {"source"})
                for name, source in cfg.ground_truth.items()
            },
            "code": code_of("ground_truth.py"),
        },
    script:
        "../scripts/ground_truth.py"
