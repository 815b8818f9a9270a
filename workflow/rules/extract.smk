def movie_to_extract(wildcards):
    """The denoised movie; with the backend `none` the registered one, which is not copied."""
    return f"{MOTION}/movie.npy"


rule extract:
    """Finds ROIs and measures their fluorescence."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        movie=movie_to_extract,
    output:
        rois=f"{EXTRACT}/rois.parquet",
        fluorescence=f"{EXTRACT}/fluorescence.parquet",
    log:
        log_of(EXTRACT_STEP),
    benchmark:
        timing_of(EXTRACT_STEP)
    params:
        method=method("extract"),
        identity=identity("extract", "extract.py"),
    conda:
        environment("suite2p")
    threads: 2
    resources:
        mem_mb=megabytes(3500, per_input=0.5),
        runtime=minutes(15, per_gigabyte=10),
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
    params:
        method=lambda w: cfg.dff,
        identity=lambda w: {"parameters": cfg.dff.model_dump(), "code": code_of("dff.py")},
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=megabytes(800, per_input=10),
        runtime=minutes(10, per_gigabyte=30),
    script:
        "../scripts/dff.py"
