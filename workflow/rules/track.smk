TRACKED = plan.at(layout.TRACKED)
TRACKED_LOG = f"{layout.FIELD}/{{recipe}}_track-{{track}}"


rule track:
    """The same cells over the sessions of every field, by every recipe and method."""
    input:
        targets.tracks,


rule tracks:
    """Which ROIs of the sessions of a field are the same cell."""
    input:
        unpack(inputs.of_field("acquisition", "rois", "extraction_images", "extraction_quality")),
    output:
        tracks=f"{TRACKED}/tracks.parquet",
        pairs=f"{TRACKED}/pairs.parquet",
        alignment=f"{TRACKED}/alignment.parquet",
        images=f"{TRACKED}/images.npz",
    log:
        plan.log(TRACKED_LOG),
    benchmark:
        plan.timing(TRACKED_LOG)
    conda:
        plan.environment("track") if plan.fields else "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1300, 10),
        runtime=minutes(10, 6000),
    params:
        method=plan.method("track"),
        identity=identity("tracks"),
    message:
        "tracks of {wildcards.subject}, field {wildcards.field}, plane {wildcards.plane} ({wildcards.recipe}, {wildcards.track})"
    script:
        "../scripts/tracks.py"


rule tracks_page:
    """The page of a field: its cells over the sessions."""
    input:
        unpack(inputs.of_field("acquisition", "rois", "traces", "spikes")),
        tracks=f"{TRACKED}/tracks.parquet",
        alignment=f"{TRACKED}/alignment.parquet",
        images=f"{TRACKED}/images.npz",
    output:
        page=report(
            f"{TRACKED}/tracks.html",
            caption="../report/tracks.rst",
            category="Tracks",
            subcategory="{subject}",
            labels={"field": "{field}", "plane": "{plane}", "recipe": "{recipe}", "method": "{track}"},
        ),
    log:
        plan.log(f"{TRACKED_LOG}_page"),
    benchmark:
        plan.timing(f"{TRACKED_LOG}_page")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(900, 4),
        runtime=minutes(10, 200),
    params:
        identity=identity("tracks_page"),
    message:
        "page of {wildcards.subject}, field {wildcards.field}, plane {wildcards.plane}"
    script:
        "../scripts/tracks_page.py"


rule benchmark_tracking:
    """Tracks of simulated fields against their cells, by every recipe and method."""
    input:
        targets.scored_tracks(),
    output:
        table=f"{BENCHMARK}/tracking.parquet",
    log:
        plan.log("benchmark/tracking"),
    benchmark:
        plan.timing("benchmark/tracking")
    conda:
        "../../envs/benchmark.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000, 10),
        runtime=minutes(15),
    params:
        fields=targets.fields_to_score(),
        identity=identity("benchmark_tracking"),
    script:
        "../scripts/benchmark_tracking.py"
