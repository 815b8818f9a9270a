rule ground_truth:
    """Recordings of neurons with known spikes, from all sources of the config, as one table."""
    input:
        # Those from the web are known by their hash.
        files=inputs.ground_truth,
    output:
        table=f"{RESULTS}/ground_truth.parquet",
    log:
        f"{RESULTS}/logs/ground_truth.log",
    benchmark:
        f"{RESULTS}/timings/ground_truth.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1500, per_input=12),
        runtime=minutes(30, per_gigabyte=30),
    params:
        sources=cfg.ground_truth,
        identity=identity("ground_truth"),
    script:
        "../scripts/ground_truth.py"
