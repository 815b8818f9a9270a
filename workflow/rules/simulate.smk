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
        identity=of_session(
            lambda session: {
                "parameters": cfg.simulation[session.simulate].model_dump(),
                "session": session.model_dump(mode="json", exclude={"simulate"}),
                "indicator": indicators()[session.indicator].model_dump(),
                "code": code_of("simulate.py"),
            }
        ),
    message:
        "simulation of {wildcards.session}"
    script:
        "../scripts/simulate.py"
