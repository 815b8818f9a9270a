rule denoise:
    """Learns the registered movie and denoises it; without a method there is nothing to do, and no job."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        shifts=f"{MOTION}/shifts.parquet",
        movie=f"{MOTION}/movie.npy",
    output:
        movie=temp(f"{DENOISE}/movie.npy"),
        deviation=temp(f"{DENOISE}/deviation.npy"),
        noise=f"{DENOISE}/noise.npz",
        model=f"{DENOISE}/model.safetensors",
        curve=f"{DENOISE}/training.parquet",
        check=f"{DENOISE}/check.parquet",
        images=f"{DENOISE}/images.npz",
    log:
        log_of(DENOISE_STEP),
    benchmark:
        timing_of(DENOISE_STEP)
    conda:
        environment_of("denoise")
    threads: 2
    resources:
        mem_mb=memory("denoise"),
        runtime=time_limit("denoise"),
    params:
        method=method("denoise"),
        identity=identity("denoise", "denoise.py"),
    message:
        "denoising ({wildcards.denoise}) of {wildcards.session}, plane {wildcards.plane}, after motion correction "
        "({wildcards.motion})"
    script:
        "../scripts/denoise.py"
