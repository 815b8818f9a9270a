rule bleaching:
    """How fast the light of a plane fades."""
    input:
        frames=f"{PLANE}/frames.parquet",
    output:
        table=f"{PLANE}/bleaching.parquet",
    log:
        plan.log(f"{PLANE_LOG}/bleaching"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/bleaching")
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(500),
        runtime=minutes(5),
    params:
        identity=identity("bleaching"),
    message:
        "bleaching of {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/bleaching.py"
