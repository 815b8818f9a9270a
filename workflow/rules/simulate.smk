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
        session=lambda w: SESSIONS[w.session],
        parameters=lambda w: cfg.simulation[SESSIONS[w.session].simulate],
        identity=lambda w: {
            "parameters": cfg.simulation[SESSIONS[w.session].simulate].model_dump(),
            "session": SESSIONS[w.session].model_dump(mode="json", exclude={"simulate"}),
            "indicator": indicators()[SESSIONS[w.session].indicator].model_dump(),
            "code": code_of("simulate.py"),
        },
    script:
        "../scripts/simulate.py"
