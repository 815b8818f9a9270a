rule adopt:
    """ROIs and traces that another pipeline left, in place of ingest, motion correction and extraction."""
    input:
        files=inputs.raw_files,
    output:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        raw_quality=f"{PLANE}/raw_quality.parquet",
        raw_images=f"{PLANE}/raw_images.npz",
        shifts=f"{GIVEN_MOTION}/shifts.parquet",
        motion_quality=f"{GIVEN_MOTION}/quality.parquet",
        motion_images=f"{GIVEN_MOTION}/images.npz",
        rois=f"{GIVEN}/found.parquet",
        fluorescence=f"{GIVEN}/fluorescence.parquet",
        quality=f"{GIVEN}/extraction_quality.parquet",
        images=f"{GIVEN}/extraction_images.npz",
    log:
        plan.log(f"{PLANE_LOG}/adopt"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/adopt")
    wildcard_constraints:
        session=plan.adopted,
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(650, per_input=4),
        runtime=minutes(10, per_gigabyte=10),
    params:
        session=plan.session,
        identity=identity("adopt"),
    message:
        "ROIs and traces of {wildcards.session}, plane {wildcards.plane}, from another pipeline"
    script:
        "../scripts/adopt.py"


rule adopt_units:
    """Sorted spikes of an NWB file, in place of everything before responses."""
    input:
        files=inputs.raw_files,
    output:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        units=f"{GIVEN}/spikes-{layout.GIVEN}.parquet",
    log:
        plan.log(f"{PLANE_LOG}/adopt"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/adopt")
    wildcard_constraints:
        session=plan.from_units,
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(650, per_input=4),
        runtime=minutes(10, per_gigabyte=10),
    params:
        session=plan.session,
        identity=identity("adopt_units"),
    message:
        "units of {wildcards.session}"
    script:
        "../scripts/adopt_units.py"
