rule motion:
    """Registers a plane to its template."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        movie=f"{PLANE}/movie.npy",
        estimated_on=motion_channel,
    output:
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        quality=f"{MOTION}/quality.parquet",
        movie=f"{MOTION}/movie.npy" if "registered_movie" in cfg.keep else temp(f"{MOTION}/movie.npy"),
    log:
        log_of(MOTION_STEP),
    benchmark:
        timing_of(MOTION_STEP)
    conda:
        environment_of("motion")
    threads: 2
    resources:
        mem_mb=memory("motion"),
        runtime=time_limit("motion"),
    params:
        method=method("motion"),
        identity=identity("motion", "motion.py"),
    message:
        "motion correction ({wildcards.motion}) of {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/motion.py"
