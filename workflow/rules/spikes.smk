rule spikes:
    """Spike rates from dF/F."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        frames=f"{PLANE}/frames.parquet",
        traces=f"{EXTRACT}/traces.parquet",
    output:
        spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
    log:
        plan.log(f"{EXTRACT_LOG}_spikes-{{spikes}}"),
    benchmark:
        plan.timing(f"{EXTRACT_LOG}_spikes-{{spikes}}")
    wildcard_constraints:
        session=plan.with_traces,
    conda:
        plan.environment("spikes")
    threads: 1
    resources:
        mem_mb=requests.memory("spikes"),
        runtime=requests.time_limit("spikes"),
    params:
        method=plan.method("spikes"),
        trace=plan.spike_trace,
        labels=plan.labels("spikes"),
        identity=identity("spikes"),
        # Editing one indicator's kinetics reruns the sessions with that indicator.
        indicator=plan.indicator,
    message:
        "spike inference ({wildcards.spikes}) of {wildcards.session}, plane {wildcards.plane} ({wildcards.motion}, "
        "{wildcards.extract})"
    script:
        "../scripts/spikes.py"
