rule realism_statistics:
    """What a plane, real or simulated, looks like to a statistician."""
    input:
        unpack(
            inputs.of_recipe(
                shifts=f"{MOTION}/shifts.parquet",
                registered=f"{MOTION}/movie.npy",
                rois=f"{EXTRACT}/rois.parquet",
                traces=f"{EXTRACT}/traces.parquet",
            )
        ),
        acquisition=f"{PLANE}/acquisition.json",
        raw=f"{PLANE}/movie.npy",
    output:
        table=f"{PLANE}/realism-{{recipe}}.parquet",
    log:
        plan.log(f"{PLANE_LOG}/realism-{{recipe}}"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/realism-{{recipe}}")
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("realism_statistics"),
        runtime=requests.time_limit("realism_statistics"),
    params:
        identity=identity("realism_statistics"),
    script:
        "../scripts/realism_statistics.py"


rule realism:
    """Simulated sessions beside real ones, by the first recipe of the config."""
    input:
        targets.realism_of_planes,
    output:
        table=f"{RESULTS}/realism.parquet",
        page=report(f"{RESULTS}/realism.html", caption="../report/realism.rst", category="Simulation"),
    log:
        plan.log("realism"),
    benchmark:
        plan.timing("realism")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        identity=identity("realism"),
    script:
        "../scripts/realism.py"
