# Cells of a network need PyTorch.
simulated_in = "../../envs/simulation.yaml" if plan.fitted_cells else "../../envs/core.yaml"


rule simulate:
    """A recording whose truth is known; from here on an ordinary session."""
    output:
        **({"clean": f"{TRUTH}/clean.npy"} if "clean_movie" in cfg.keep else {}),
        movie=temp(f"{TRUTH}/movie.tif"),
        cells=f"{TRUTH}/cells.parquet",
        shifts=f"{TRUTH}/shifts.parquet",
        sections=f"{TRUTH}/sections.parquet",
        responses=f"{TRUTH}/responses.parquet",
        events=f"{TRUTH}/events.parquet",
        stimuli=plan.at(layout.TRUE_STIMULI),
        images=plan.at(layout.TRUE_IMAGES),
    log:
        plan.log("{session}/simulate"),
    benchmark:
        plan.timing("{session}/simulate")
    conda:
        simulated_in
    threads: 1
    resources:
        mem_mb=requests.memory("simulate"),
        runtime=requests.time_limit("simulate"),
    params:
        session=plan.session,
        parameters=plan.simulation_of,
        identity=identity("simulate"),
    message:
        "simulation of {wildcards.session}"
    script:
        "../scripts/simulate.py"


if "clean_movie" not in cfg.keep:

    rule clean_movie:
        """The movie of a simulated recording without noise, that denoising is compared with."""
        output:
            clean=temp(f"{TRUTH}/clean.npy"),
        log:
            plan.log("{session}/clean_movie"),
        benchmark:
            plan.timing("{session}/clean_movie")
        conda:
            simulated_in
        threads: 1
        resources:
            mem_mb=requests.memory("clean_movie"),
            runtime=requests.time_limit("clean_movie"),
        params:
            session=plan.session,
            parameters=plan.simulation_of,
            identity=identity("clean_movie"),
        message:
            "{wildcards.session} without noise"
        script:
            "../scripts/clean_movie.py"


rule simulated_z_stack:
    """The z-stack of a simulated recording."""
    output:
        stack=f"{TRUTH}/z_stack.tif",
    log:
        plan.log("{session}/simulated_z_stack"),
    benchmark:
        plan.timing("{session}/simulated_z_stack")
    conda:
        simulated_in
    threads: 1
    resources:
        mem_mb=requests.memory("clean_movie"),
        runtime=requests.time_limit("clean_movie"),
    params:
        session=plan.session,
        parameters=plan.simulation_of,
        identity=identity("simulated_z_stack"),
    message:
        "z-stack of {wildcards.session}"
    script:
        "../scripts/simulated_z_stack.py"
