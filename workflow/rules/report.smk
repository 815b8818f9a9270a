rule session_report:
    """One page per session, plane and recipe."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        raw_quality=f"{PLANE}/raw_quality.parquet",
        raw_images=f"{PLANE}/raw_images.npz",
        shifts=recipe_path(f"{MOTION}/shifts.parquet"),
        motion_images=recipe_path(f"{MOTION}/images.npz"),
        motion_quality=recipe_path(f"{MOTION}/quality.parquet"),
        rois=recipe_path(f"{EXTRACT}/rois.parquet"),
        traces=recipe_path(f"{EXTRACT}/traces.parquet"),
        spikes=recipe_path(f"{EXTRACT}/spikes-{{spikes}}.parquet"),
    output:
        page=report(
            f"{PLANE}/report-{{recipe}}.html",
            caption="../report/session.rst",
            category="Sessions",
            subcategory="{session}",
            labels={"plane": "{plane}", "recipe": "{recipe}"},
        ),
    log:
        log_of(f"{STEP}/report-{{recipe}}"),
    benchmark:
        timing_of(f"{STEP}/report-{{recipe}}")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=memory("session_report"),
        runtime=time_limit("session_report"),
    params:
        method=lambda w: cfg.report,
        identity=lambda w: {
            "parameters": cfg.report.model_dump(),
            "code": code_of("session_report.py"),
            "page": data_hash("report/templates"),
        },
    script:
        "../scripts/session_report.py"


STUDY = study_entries()


rule study:
    """One row per session, plane and recipe."""
    input:
        [[entry[name] for entry in STUDY] for name in ("motion_quality", "spikes", "report")],
    output:
        table=f"{RESULTS}/study.parquet",
        page=report(f"{RESULTS}/index.html", caption="../report/study.rst", category="Study"),
    log:
        f"{RESULTS}/logs/study.log",
    benchmark:
        f"{RESULTS}/timings/study.tsv"
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(15),
    params:
        entries=STUDY,
        identity={"code": code_of("study.py"), "page": data_hash("report/templates")},
    script:
        "../scripts/study.py"
