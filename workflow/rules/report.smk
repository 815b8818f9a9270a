rule session_report:
    """One page per session, plane and recipe."""
    input:
        of_recipe(
            shifts=f"{MOTION}/shifts.parquet",
            motion_images=f"{MOTION}/images.npz",
            motion_quality=f"{MOTION}/quality.parquet",
            rois=f"{EXTRACT}/rois.parquet",
            traces=f"{EXTRACT}/traces.parquet",
            spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
        ),
        unpack(denoising_of_recipe),
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        raw_quality=f"{PLANE}/raw_quality.parquet",
        raw_images=f"{PLANE}/raw_images.npz",
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
        method=cfg.report,
        identity={
            "parameters": cfg.report.model_dump(),
            "code": code_of("session_report.py"),
            "page": data_hash("report/templates"),
        },
    message:
        "page of {wildcards.session}, plane {wildcards.plane}, recipe {wildcards.recipe}"
    script:
        "../scripts/session_report.py"


STUDY = layout.study_entries(cfg, SESSIONS)


rule study:
    """One row per session, plane and recipe."""
    input:
        # They depend on everything else.
        [entry.file("report").as_posix() for entry in STUDY.rows],
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
    message:
        "page of the study"
    script:
        "../scripts/study.py"
