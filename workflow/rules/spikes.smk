rule spikes:
    """Spike rates from dF/F."""
    input:
        acquisition=f"{PLANE}/acquisition.json",
        traces=f"{EXTRACT}/traces.parquet",
    output:
        spikes=f"{EXTRACT}/spikes-{{spikes}}.parquet",
    log:
        log_of(f"{EXTRACT_STEP}_spikes-{{spikes}}"),
    benchmark:
        timing_of(f"{EXTRACT_STEP}_spikes-{{spikes}}")
    conda:
        environment_of("spikes")
    threads: 1
    resources:
        mem_mb=memory("spikes"),
        runtime=time_limit("spikes"),
    params:
        method=method("spikes"),
        trace=spike_trace,
        identity=identity("spikes", "spikes.py"),
        # Editing one indicator's kinetics reruns the sessions with that indicator.
        indicator=of_session(lambda session: indicators()[session.indicator].model_dump()),
    message:
        "spike inference ({wildcards.spikes}) of {wildcards.session}, plane {wildcards.plane} ({wildcards.motion}, "
        "{wildcards.extract})"
    script:
        "../scripts/spikes.py"
