rule denoise:
    """Learns the registered movie and denoises it; without a method there is nothing to do, and no job."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
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
        plan.log(DENOISE_LOG),
    benchmark:
        plan.timing(DENOISE_LOG)
    conda:
        # The same for all methods: Snakemake describes no container with an environment that nothing in the plan uses,
        # when it depends on the method.
        "../../envs/network.yaml"
    threads: 2
    resources:
        mem_mb=requests.memory("denoise"),
        runtime=requests.time_limit("denoise"),
    params:
        method=plan.method("denoise"),
        identity=identity("denoise"),
    message:
        "denoising ({wildcards.denoise}) of {wildcards.session}, plane {wildcards.plane}, after motion correction "
        "({wildcards.motion})"
    script:
        "../scripts/denoise.py"
