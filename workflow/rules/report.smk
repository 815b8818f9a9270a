rule session_report:
    """One page per session, plane and recipe."""
    input:
        unpack(inputs.session_page),
    output:
        page=report(
            f"{PLANE}/report-{{recipe}}.html",
            caption="../report/session.rst",
            category="Sessions",
            subcategory="{session}",
            labels={"plane": "{plane}", "recipe": "{recipe}"},
        ),
        warnings=f"{PLANE}/warnings-{{recipe}}.parquet",
        card=f"{PLANE}/card-{{recipe}}.json",
    log:
        plan.log(f"{PLANE_LOG}/report-{{recipe}}"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/report-{{recipe}}")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("session_report"),
        runtime=requests.time_limit("session_report"),
    params:
        method=cfg.report,
        sections=inputs.page_sections,
        extraction=plan.recipe_extraction,
        curation=plan.curation_path,
        labels=plan.labels("session_report"),
        microscope=plan.microscope,
        identity=identity("session_report"),
    message:
        "page of {wildcards.session}, plane {wildcards.plane}, recipe {wildcards.recipe}"
    script:
        "../scripts/session_report.py"


rule study:
    """One row per session, plane and recipe."""
    input:
        inputs.session_pages(),
        inputs.tracks(),
    output:
        table=f"{RESULTS}/study.parquet",
        warnings=f"{RESULTS}/warnings.parquet",
        page=report(f"{RESULTS}/index.html", caption="../report/study.rst", category="Study"),
    log:
        f"{RESULTS}/logs/study.log",
    benchmark:
        f"{RESULTS}/timings/study.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=minutes(15),
    params:
        entries=plan.study,
        identity=identity("study"),
    message:
        "page of the study"
    script:
        "../scripts/study.py"
