"""What a step has to say of its result to a person: it is logged, kept with the step's tables, and shown on pages."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Severity = Literal["critical", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "note")

_LISTENING: list[list["Notice"]] = []


class Notice(UserWarning):
    """One sentence: what was found; what to do.

    It is a Python warning as well, for those who call the library without the workflow.
    """

    def __init__(self, kind: str, sentence: str, severity: Severity = "warning", kept: str = ""):
        super().__init__(sentence)
        self.kind, self.severity, self.kept = kind, severity, kept or sentence

    @property
    def plain(self) -> dict[str, str]:
        """As tables keep it: severity, kind, found and advice."""
        found, _, advice = self.kept.rpartition("; ")
        found, advice = (found, advice) if found else (advice, "")
        return {"severity": self.severity, "kind": self.kind, "found": found, "advice": advice}


def notice(kind: str, sentence: str, severity: Severity = "warning", kept: str = "") -> None:
    """Say `what was found; what to do` of the result that is being made.

    kind: a name that stays when numbers and words change. kept: the sentence as tables keep it, where the one that is
    said has a folder in it.
    """
    said = Notice(kind, sentence, severity, kept)
    for heard in _LISTENING:
        if said.kept not in [earlier.kept for earlier in heard]:
            heard.append(said)
    warnings.warn(said, stacklevel=3)


@contextmanager
def noting() -> Iterator[list[Notice]]:
    """Keep the notices given inside, each once."""
    heard: list[Notice] = []
    _LISTENING.append(heard)
    try:
        yield heard
    finally:
        _LISTENING[:] = [other for other in _LISTENING if other is not heard]
