rule simulate:
    """A recording whose truth is known; from here on an ordinary session."""
    output:
        **({"clean": f"{RESULTS}/{{session}}/truth/clean.npy"} if "clean_movie" in cfg.keep else {}),
        movie=temp(f"{RESULTS}/{{session}}/truth/movie.tif"),
        cells=f"{RESULTS}/{{session}}/truth/cells.parquet",
        shifts=f"{RESULTS}/{{session}}/truth/shifts.parquet",
        sections=f"{RESULTS}/{{session}}/truth/sections.parquet",
    log:
        log_of("{session}/simulate"),
    benchmark:
        timing_of("{session}/simulate")
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=memory("simulate"),
        runtime=time_limit("simulate"),
    params:
        session=of_session(lambda session: session),
        parameters=of_session(lambda session: cfg.simulation[session.simulate]),
        identity=simulation_identity("simulate.py"),
    message:
        "simulation of {wildcards.session}"
    script:
        "../scripts/simulate.py"


if "clean_movie" not in cfg.keep:

    rule clean_movie:
        """The movie of a simulated recording without noise, that denoising is compared with."""
        output:
            clean=temp(f"{RESULTS}/{{session}}/truth/clean.npy"),
        log:
            log_of("{session}/clean_movie"),
        benchmark:
            timing_of("{session}/clean_movie")
        conda:
            environment("core")
        threads: 1
        resources:
            mem_mb=memory("clean_movie"),
            runtime=time_limit("clean_movie"),
        params:
            session=of_session(lambda session: session),
            parameters=of_session(lambda session: cfg.simulation[session.simulate]),
            identity=simulation_identity("clean_movie.py"),
        message:
            "{wildcards.session} without noise"
        script:
            "../scripts/clean_movie.py"
