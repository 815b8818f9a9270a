rule extract:
    """Finds ROIs and measures their fluorescence."""
    input:
        unpack(inputs.movies_to_extract),
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        shifts=f"{MOTION}/shifts.parquet",
        given=inputs.given_rois,
    output:
        rois=f"{EXTRACT}/found.parquet",
        fluorescence=f"{EXTRACT}/fluorescence.parquet",
        images=f"{EXTRACT}/extraction_images.npz",
        quality=f"{EXTRACT}/extraction_quality.parquet",
    log:
        plan.log(EXTRACT_LOG),
    benchmark:
        plan.timing(EXTRACT_LOG)
    # The control of the benchmark, and ROIs of another pipeline, have a rule of their own.
    wildcard_constraints:
        extract=r"(?!(?:oracle|given)\b)[a-z][a-z0-9_]*",
    conda:
        plan.environment("extract")
    threads: 2
    resources:
        mem_mb=requests.memory("extract"),
        runtime=requests.time_limit("extract"),
    params:
        method=plan.method("extract"),
        rois=plan.given_rois,
        labels=plan.labels("extract"),
        identity=identity("extract"),
    message:
        "extraction ({wildcards.extract}) from {wildcards.session}, plane {wildcards.plane}, after motion correction "
        "({wildcards.motion})"
    script:
        "../scripts/extract.py"


rule dff:
    """What counts as a cell, by a person where one has decided; neuropil correction, baseline, dF/F and its noise."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        images=f"{PLANE}/raw_images.npz",
        shifts=f"{MOTION}/shifts.parquet",
        found=f"{EXTRACT}/found.parquet",
        fluorescence=f"{EXTRACT}/fluorescence.parquet",
    output:
        rois=f"{EXTRACT}/rois.parquet",
        curation=f"{EXTRACT}/curation.parquet",
        traces=f"{EXTRACT}/traces.parquet",
        brightness=f"{EXTRACT}/brightness.parquet",
    log:
        plan.log(f"{EXTRACT_LOG}_dff"),
    benchmark:
        plan.timing(f"{EXTRACT_LOG}_dff")
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("dff"),
        runtime=requests.time_limit("dff"),
    params:
        method=cfg.dff,
        smoothing=plan.smoothing,
        curation=plan.curation,
        labels=plan.labels("dff"),
        identity=identity("dff"),
    message:
        "dF/F of {wildcards.session}, plane {wildcards.plane} ({wildcards.motion}, {wildcards.extract})"
    script:
        "../scripts/dff.py"
