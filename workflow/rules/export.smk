localrules:
    nwb,


rule nwb:
    """One NWB file for every session, by the first recipe."""
    input:
        targets.nwb,


rule nwb_file:
    """A session with all its planes as NWB; it is there only when pynwb and nwbinspector find nothing wrong."""
    input:
        unpack(inputs.nwb),
    output:
        file=plan.at(layout.NWB),
    log:
        plan.log("nwb/{recipe}/{animal}/{recording}"),
    benchmark:
        plan.timing("nwb/{recipe}/{animal}/{recording}")
    conda:
        "../../envs/nwb.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(2500),
        runtime=minutes(20, per_gigabyte=30),
    params:
        metadata=plan.metadata,
        identity=identity("nwb_file"),
    message:
        "NWB file of {wildcards.recording}, recipe {wildcards.recipe}"
    script:
        "../scripts/nwb_file.py"
