rule astrocytes:
    """Events of astrocytes in the registered movie."""
    input:
        unpack(inputs.of_recipe(movie=f"{MOTION}/movie.npy", shifts=f"{MOTION}/shifts.parquet")),
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
    output:
        events=plan.at(layout.FILES["events"]),
        quality=plan.at(layout.FILES["event_quality"]),
    log:
        plan.log(f"{PLANE_LOG}/astrocytes-{{recipe}}"),
    benchmark:
        plan.timing(f"{PLANE_LOG}/astrocytes-{{recipe}}")
    wildcard_constraints:
        session=plan.to_register,
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=requests.memory("astrocytes"),
        runtime=requests.time_limit("astrocytes"),
    params:
        method=cfg.astrocytes,
        identity=identity("astrocytes"),
    message:
        "events of astrocytes of {wildcards.session}, plane {wildcards.plane}, recipe {wildcards.recipe}"
    script:
        "../scripts/astrocytes.py"
