rule ingest:
    """One plane of a recording as a plain (T, Y, X) array in its own integer type, and what its raw frames are worth."""
    input:
        files=raw_files,
    output:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        quality=f"{PLANE}/raw_quality.parquet",
        images=f"{PLANE}/raw_images.npz",
        movie=temp(f"{PLANE}/movie.npy"),
    log:
        log_of(f"{STEP}/ingest"),
    benchmark:
        timing_of(f"{STEP}/ingest")
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=memory("ingest"),
        runtime=time_limit("ingest"),
    params:
        session=lambda w: SESSIONS[w.session],
        identity=lambda w: {
            # Where a file lies does not change what is in it.
            "session": SESSIONS[w.session].model_dump(mode="json", exclude={"path", "simulate"}),
            "code": code_of("ingest.py"),
        },
    script:
        "../scripts/ingest.py"
