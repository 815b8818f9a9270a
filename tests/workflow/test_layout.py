"""Where status, study and errors look for the file and the log of a step is where its rule puts them."""

import json

from groundtrace.running.layout import STAGES
from tests.workflow.conftest import Project

SNAKEFILE = """
import json

from snakemake.io import strip_wildcard_constraints as plain

include: "workflow/Snakefile"

told = [{"outputs": list(map(plain, rule.output)), "logs": list(map(plain, rule.log))} for rule in workflow.rules]
print("RULES", json.dumps(told))
"""


def test_each_stage_has_the_file_and_the_log_of_a_rule(tmp_path):
    project = Project.make(tmp_path / "project")
    (project.folder / "told.smk").write_text(SNAKEFILE)
    said = project.run("--snakefile", "told.smk", "--dry-run")
    rules = json.loads(next(line for line in said.splitlines() if line.startswith("RULES")).removeprefix("RULES"))
    logs_of = {stage.name: [r["logs"] for r in rules if f"results/{stage.file}" in r["outputs"]] for stage in STAGES}
    for stage in STAGES:
        assert [f"results/logs/{stage.log}.log"] in logs_of[stage.name], stage.name
