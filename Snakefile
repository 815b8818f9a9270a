"""groundtrace: raw two-photon movies to spike rates whose error is known."""

import os
import sys

from snakemake.utils import min_version

min_version("9.27")

# For this process and, through PYTHONPATH, for the rules' scripts.
PACKAGE = os.path.join(workflow.basedir, "workflow", "src")
sys.path.insert(0, PACKAGE)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")]))


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/motion.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/spikes.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    localrule: True
    input:
        f"{RESULTS}/index.html",


report: "workflow/report/workflow.rst"
