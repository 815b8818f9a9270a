rule motion:
    """Registers a plane to its template."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        movie=f"{PLANE}/movie.npy",
        estimated_on=inputs.motion_channel,
        z_stack=inputs.simulated_z_stack,
    output:
        shifts=f"{MOTION}/shifts.parquet",
        images=f"{MOTION}/images.npz",
        quality=f"{MOTION}/quality.parquet",
        movie=f"{MOTION}/movie.npy" if "registered_movie" in cfg.keep else temp(f"{MOTION}/movie.npy"),
    log:
        plan.log(MOTION_LOG),
    benchmark:
        plan.timing(MOTION_LOG)
    wildcard_constraints:
        session=plan.to_register,
    conda:
        plan.environment("motion")
    threads: 2
    resources:
        mem_mb=requests.memory("motion"),
        runtime=requests.time_limit("motion"),
    params:
        method=plan.method("motion"),
        z_stack=plan.z_stack,
        identity=identity("motion"),
    message:
        "motion correction ({wildcards.motion}) of {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/motion.py"
