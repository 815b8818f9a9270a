"""The warnings of the pages of a study."""

from typing import Any

from groundtrace.report.study import StudyInputs

LISTED = 100
"""Rows of one kind that are listed."""


def context(study: StudyInputs) -> dict[str, Any] | None:
    """Warnings by severity and kind, the worst and then the most frequent first; None where there are none."""
    pages = study.table.select("session", "plane", "recipe", "report")
    rows = study.warnings.join(pages, on=["session", "plane", "recipe"], how="left", maintain_order="left")
    groups = [
        {"severity": severity, "kind": kind, "rows": found.head(LISTED).to_dicts(), "count": found.height}
        for (severity, kind), found in rows.group_by("severity", "kind", maintain_order=True)
    ]
    order = study.warnings["severity"].unique(maintain_order=True).to_list()
    groups.sort(key=lambda group: (order.index(group["severity"]), -group["count"]))
    return {"groups": groups} if groups else None
