FOLDER = plan.at(layout.SUITE2P)


localrules:
    nwb,
    suite2p,


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
        "../../envs/export.yaml"
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


rule suite2p:
    """A folder that Suite2p opens for every plane, by the first recipe; with RoiSet.zip and Fall.mat."""
    input:
        targets.suite2p,


rule suite2p_folder:
    """A plane as Suite2p's GUI opens it, its ROIs for Fiji, and all of it for MATLAB."""
    input:
        unpack(inputs.of_recipe(**{name: plan.at(layout.FILES[name]) for name in layout.EXPORTED})),
    output:
        **{name: f"{FOLDER}/{name}.npy" for name in ("F", "Fneu", "spks", "iscell", "stat", "ops")},
        rois=f"{FOLDER}/RoiSet.zip",
        mat=f"{FOLDER}/Fall.mat",
    log:
        plan.log("suite2p/{recipe}/{session}/plane{plane}"),
    benchmark:
        plan.timing("suite2p/{recipe}/{session}/plane{plane}")
    conda:
        "../../envs/export.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(800, per_input=4),
        runtime=minutes(10, per_gigabyte=10),
    params:
        labels=plan.labels("suite2p_folder"),
        indicator=plan.indicator,
        identity=identity("suite2p_folder"),
    message:
        "Suite2p folder of {wildcards.session}, plane {wildcards.plane}, recipe {wildcards.recipe}"
    script:
        "../scripts/suite2p_folder.py"
