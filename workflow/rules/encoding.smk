rule stimulus_images:
    """Pixels of the images that were shown."""
    input:
        made=inputs.stimulus_images,
    output:
        images=f"{RESULTS}/{{session}}/stimulus_images.npz",
    log:
        plan.log("{session}/stimulus_images"),
    benchmark:
        plan.timing("{session}/stimulus_images")
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2500),
        runtime=minutes(10),
    params:
        session=plan.session,
        identity=identity("stimulus_images"),
    message:
        "images shown to {wildcards.session}"
    script:
        "../scripts/stimulus_images.py"


rule encoding_model:
    """One model of what drives the cells of a plane; without one, why it could not be fitted."""
    input:
        presentations=f"{PLANE}/presentations.parquet",
        images=f"{RESULTS}/{{session}}/stimulus_images.npz",
        responses=f"{EXTRACT}/responses-{{spikes}}.parquet",
    output:
        model=plan.at(layout.ENCODER),
    log:
        plan.log(f"{EXTRACT_LOG}_spikes-{{spikes}}_encoding-{{encode}}"),
    benchmark:
        plan.timing(f"{EXTRACT_LOG}_spikes-{{spikes}}_encoding-{{encode}}")
    conda:
        "../../envs/network.yaml"
    threads: 2
    resources:
        mem_mb=megabytes(4000, 20),
        runtime=minutes(180),
    params:
        method=plan.method("encode"),
        encoding=cfg.encoding,
        identity=identity("encoding_model"),
    message:
        "encoding model {wildcards.encode} of {wildcards.session}, plane {wildcards.plane} ({wildcards.spikes})"
    script:
        "../scripts/encoding_model.py"


rule encoding:
    """Encoding models of a plane beside each other, and the images that excite its cells most."""
    input:
        presentations=f"{PLANE}/presentations.parquet",
        images=f"{RESULTS}/{{session}}/stimulus_images.npz",
        responses=f"{EXTRACT}/responses-{{spikes}}.parquet",
        reliability=f"{EXTRACT}/reliability-{{spikes}}.parquet",
        models=inputs.encoders,
    output:
        scores=f"{EXTRACT}/encoding-{{spikes}}.parquet",
        images=f"{EXTRACT}/most_exciting_images-{{spikes}}.parquet",
        responses=f"{EXTRACT}/in_silico_responses-{{spikes}}.parquet",
        inside=f"{EXTRACT}/inside-{{spikes}}.parquet",
        pictures=f"{EXTRACT}/encoding_pictures-{{spikes}}.npz",
    log:
        plan.log(f"{EXTRACT_LOG}_spikes-{{spikes}}_encoding"),
    benchmark:
        plan.timing(f"{EXTRACT_LOG}_spikes-{{spikes}}_encoding")
    conda:
        "../../envs/network.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(4000, 20),
        runtime=minutes(60),
    params:
        models=cfg.encode,
        method=cfg.encoding,
        identity=identity("encoding"),
    message:
        "encoding models of {wildcards.session}, plane {wildcards.plane} ({wildcards.spikes})"
    script:
        "../scripts/encoding.py"


rule encoding_report:
    """One page per session, plane and recipe: what encoding models say of the cells."""
    input:
        unpack(inputs.encoding_page()),
    output:
        page=report(
            f"{PLANE}/encoding-{{recipe}}.html",
            caption="../report/encoding.rst",
            category="Sessions",
            subcategory="{session}",
            labels={"plane": "{plane}", "recipe": "{recipe}, encoding"},
        ),
        warnings=f"{PLANE}/encoding_warnings-{{recipe}}.parquet",
    log:
        plan.log(f"{PLANE_LOG}/encoding-{{recipe}}"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/encoding-{{recipe}}")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000, 10),
        runtime=minutes(10),
    params:
        identity=identity("encoding_report"),
    message:
        "page of encoding models of {wildcards.session}, plane {wildcards.plane}, recipe {wildcards.recipe}"
    script:
        "../scripts/encoding_report.py"


rule encode:
    """Encoding models of all sessions whose images are there."""
    input:
        inputs.encode,
