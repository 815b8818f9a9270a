rule ingest:
    """One plane of a recording as a plain (T, Y, X) array in its own integer type, and what its raw frames are worth."""
    input:
        files=inputs.raw_files,
    output:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        quality=f"{PLANE}/raw_quality.parquet",
        images=f"{PLANE}/raw_images.npz",
        movie=temp(f"{PLANE}/movie.npy"),
    log:
        plan.log(f"{PLANE_LOG}/ingest"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/ingest")
    wildcard_constraints:
        session=plan.with_raw_data,
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("ingest"),
        runtime=requests.time_limit("ingest"),
    params:
        session=plan.session,
        identity=identity("ingest"),
    message:
        "ingest {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/ingest.py"


rule ingest_motion_channel:
    """The channel on which the motion of a plane is estimated, when it is not the functional one."""
    input:
        files=inputs.raw_files,
    output:
        acquisition=f"{PLANE}/motion_channel.json",
        movie=temp(f"{PLANE}/motion_channel.npy"),
    log:
        plan.log(f"{PLANE_LOG}/ingest_motion_channel"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/ingest_motion_channel")
    wildcard_constraints:
        session=plan.with_raw_data,
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("ingest"),
        runtime=requests.time_limit("ingest"),
    params:
        session=plan.session,
        identity=identity("ingest_motion_channel"),
    message:
        "ingest the motion channel of {wildcards.session}, plane {wildcards.plane}"
    script:
        "../scripts/ingest_motion_channel.py"
