"""groundtrace: the workflow is in workflow/Snakefile; this one finds the profiles beside it from any folder."""


include: "workflow/Snakefile"


# Snakemake takes no default target from what is included.
workflow.default_target = "all"
