rule realism_statistics:
    """What a plane, real or simulated, looks like to a statistician."""
    input:
        of_recipe(
            shifts=f"{MOTION}/shifts.parquet",
            registered=f"{MOTION}/movie.npy",
            rois=f"{EXTRACT}/rois.parquet",
            traces=f"{EXTRACT}/traces.parquet",
        ),
        acquisition=f"{PLANE}/acquisition.json",
        raw=f"{PLANE}/movie.npy",
    output:
        table=f"{PLANE}/realism-{{recipe}}.parquet",
    log:
        log_of(f"{STEP}/realism-{{recipe}}"),
    benchmark:
        timing_of(f"{STEP}/realism-{{recipe}}")
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=memory("realism_statistics"),
        runtime=time_limit("realism_statistics"),
    params:
        identity={"code": code_of("realism_statistics.py")},
    script:
        "../scripts/realism_statistics.py"


rule realism:
    """Simulated sessions beside real ones, by the first recipe of the config."""
    input:
        realism_of_planes,
    output:
        table=f"{RESULTS}/realism.parquet",
        page=report(f"{RESULTS}/realism.html", caption="../report/realism.rst", category="Simulation"),
    log:
        log_of("realism"),
    benchmark:
        timing_of("realism")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(10),
    params:
        identity={"code": code_of("realism.py"), "page": data_hash("report/templates")},
    script:
        "../scripts/realism.py"
