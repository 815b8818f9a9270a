localrules:
    adopt_curation,


rule adopt_curation:
    """Verdicts of Suite2p's GUI as curation files. These are the user's: no output, which Snakemake would delete first."""
    log:
        plan.log("adopt_curation"),
    conda:
        "../../envs/core.yaml"
    params:
        entries=plan.study,
        curations=plan.curations,
    message:
        "verdicts of Suite2p's GUI"
    script:
        "../scripts/adopt_curation.py"
