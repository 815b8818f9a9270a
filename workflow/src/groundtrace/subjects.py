"""The sheet of animals: one row per subject, for formats in which a session has one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints, ValidationError, field_validator

from groundtrace.errors import InputError
from groundtrace.section import Section
from groundtrace.sessions import Label
from groundtrace.sheet import explain, read_text, rows_of

DURATION = re.compile(r"P(?=\d)(\d+(\.\d+)?Y)?(\d+(\.\d+)?M)?(\d+(\.\d+)?W)?(\d+(\.\d+)?D)?")


class Subject(Section):
    """One animal: one row of the sheet."""

    subject: Label
    """As in the sample sheet."""
    species: Annotated[str, StringConstraints(pattern=r"^[A-Z][a-z]+ [a-z]+$")] | None = None
    """Latin name of two words, as Mus musculus. Spikes are inferred with the kinetics of the indicator in that species,
    where `resources/indicators.tsv` has them."""
    sex: Literal["M", "F", "U", "O"] | None = None
    """Male, female, unknown, other."""
    age: str | None = None
    """At the sessions, an ISO 8601 duration: P90D is 90 days, P12W 12 weeks. Either it or date_of_birth."""
    date_of_birth: date | None = None
    """YYYY-MM-DD."""
    genotype: str | None = None
    """Of the animal."""
    strain: str | None = None
    """Of the animal."""
    weight: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? (kg|g|mg)$")] | None = None
    """With its unit, as 25 g."""
    description: str | None = None
    """Whatever else is to be known."""

    @field_validator("age")
    @classmethod
    def _age_is_a_duration(cls, value: str | None) -> str | None:
        if value is not None and not DURATION.fullmatch(value):
            raise ValueError(f"{value!r} is not an ISO 8601 duration; write P90D for 90 days, P12W for 12 weeks")
        return value


@dataclass(frozen=True)
class Animals:
    """The sheet of animals."""

    path: Path = Path()
    text: str = ""
    """The file as it was read; empty where there is none."""
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    """By name."""


def read_subjects(path: Path, kept: Path | None = None) -> Animals:
    """Read and check the sheet of animals, which need not be there. Raises one InputError that lists every fault.

    kept: a copy of it, which is read instead.
    """
    file = kept or path
    text = read_text(file) if file.is_file() else ""
    return Animals(path, text, _subjects(path, text) if text else {})


def _subjects(path: Path, text: str) -> Mapping[str, Subject]:
    subjects: dict[str, Subject] = {}
    faults: list[str] = []
    for number, values in rows_of(path, text, Subject):
        who = f"row {number} ({values.get('subject', '?')})"
        try:
            subject = Subject.model_validate({name: values[name] for name in values if name in Subject.model_fields})
        except ValidationError as error:
            faults += [f"{who}: {line}" for line in explain(error)]
            continue
        if subject.subject in subjects:
            faults.append(f"{who}: the same subject as in an earlier row")
        subjects[subject.subject] = subject
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise InputError(f"{path} is not valid:\n{listed}\nThe columns: config/README.md")
    return subjects
