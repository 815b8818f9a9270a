rule extract:
    """Finds ROIs and measures their fluorescence."""
    input:
        unpack(movies_to_extract),
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
    output:
        rois=f"{EXTRACT}/rois.parquet",
        fluorescence=f"{EXTRACT}/fluorescence.parquet",
    log:
        log_of(EXTRACT_STEP),
    benchmark:
        timing_of(EXTRACT_STEP)
    # The control of the benchmark has a rule of its own.
    wildcard_constraints:
        extract=r"(?!oracle\b)[a-z][a-z0-9_]*",
    conda:
        environment_of("extract")
    threads: 2
    resources:
        mem_mb=memory("extract"),
        runtime=time_limit("extract"),
    params:
        method=method("extract"),
        identity=identity("extract", "extract.py"),
    message:
        "extraction ({wildcards.extract}) from {wildcards.session}, plane {wildcards.plane}, after motion correction "
        "({wildcards.motion})"
    script:
        "../scripts/extract.py"


rule dff:
    """Neuropil correction, baseline, dF/F and its noise."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        images=f"{PLANE}/raw_images.npz",
        rois=f"{EXTRACT}/rois.parquet",
        fluorescence=f"{EXTRACT}/fluorescence.parquet",
    output:
        traces=f"{EXTRACT}/traces.parquet",
    log:
        log_of(f"{EXTRACT_STEP}_dff"),
    benchmark:
        timing_of(f"{EXTRACT_STEP}_dff")
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=memory("dff"),
        runtime=time_limit("dff"),
    params:
        method=cfg.dff,
        smoothing=asked_once(dff_smoothing),
        identity=asked_once(dff_identity),
    message:
        "dF/F of {wildcards.session}, plane {wildcards.plane} ({wildcards.motion}, {wildcards.extract})"
    script:
        "../scripts/dff.py"
