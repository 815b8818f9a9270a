rule extract:
    """Finds ROIs and measures their fluorescence."""
    input:
        unpack(measured_movie),
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
    # The control of the benchmark has a rule of its own.
    wildcard_constraints:
        extract=r"(?!oracle\b)[a-z][a-z0-9_]*",
    conda:
        environment_of("extract")
    threads: 2
    resources:
        mem_mb=megabytes(3500, per_input=0.5),
        runtime=minutes(15, per_gigabyte=10),
    params:
        method=method("extract"),
        identity=identity("extract", "extract.py"),
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
        mem_mb=megabytes(800, per_input=10),
        runtime=minutes(10, per_gigabyte=30),
    params:
        method=lambda w: cfg.dff,
        smoothing=lambda w: cfg.smoothing if cfg.denoises(w.denoise) else None,
        identity=lambda w: {
            "parameters": cfg.dff.model_dump(),
            "smoothing": cfg.smoothing.model_dump() if cfg.denoises(w.denoise) else None,
            "code": code_of("dff.py"),
        },
    script:
        "../scripts/dff.py"
