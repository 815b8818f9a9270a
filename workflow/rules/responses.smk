rule presentations:
    """Presentations of stimuli on the clock of a plane, and which are repeats."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        stimuli=inputs.stimuli,
    output:
        table=f"{PLANE}/presentations.parquet",
    log:
        plan.log(f"{PLANE_LOG}/presentations"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/presentations")
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(600, 20),
        runtime=minutes(5),
    params:
        session=plan.session,
        method=cfg.responses,
        identity=identity("presentations"),
    message:
        "presentations of {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/presentations.py"


rule responses:
    """Responses of the ROIs of a plane to stimuli: how large, how reliable, tuned to what."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        presentations=f"{PLANE}/presentations.parquet",
        spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
    output:
        responses=f"{EXTRACT}/responses-{{spikes}}.parquet",
        reliability=f"{EXTRACT}/reliability-{{spikes}}.parquet",
        tuning=f"{EXTRACT}/tuning-{{spikes}}.parquet",
    log:
        plan.log(f"{EXTRACT_LOG}_spikes-{{spikes}}_responses"),
    benchmark:
        plan.timing(f"{EXTRACT_LOG}_spikes-{{spikes}}_responses")
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1500, 3),
        runtime=minutes(10),
    params:
        method=cfg.responses,
        identity=identity("responses"),
    message:
        "responses of {wildcards.session}, plane {wildcards.plane} ({wildcards.spikes})"
    script:
        "../scripts/responses.py"
