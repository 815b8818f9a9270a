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
        session=of_session(lambda session: session),
        identity=of_session(
            lambda session: {
                # Where a file lies does not change what is in it.
                "session": session.model_dump(mode="json", exclude={"path", "simulate"}),
                "code": code_of("ingest.py"),
            }
        ),
    message:
        "ingest {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/ingest.py"


rule ingest_motion_channel:
    """The channel on which the motion of a plane is estimated, when it is not the functional one."""
    input:
        files=raw_files,
    output:
        acquisition=f"{PLANE}/motion_channel.json",
        movie=temp(f"{PLANE}/motion_channel.npy"),
    log:
        log_of(f"{STEP}/ingest_motion_channel"),
    benchmark:
        timing_of(f"{STEP}/ingest_motion_channel")
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=memory("ingest"),
        runtime=time_limit("ingest"),
    params:
        session=of_session(lambda session: session),
        identity=of_session(
            lambda session: {
                "session": session.model_dump(mode="json", exclude={"path", "simulate"}),
                "code": code_of("ingest_motion_channel.py"),
            }
        ),
    message:
        "ingest the motion channel of {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/ingest_motion_channel.py"
