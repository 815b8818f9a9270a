"""A session whose metadata are complete."""

from typing import Any

from groundtrace.export.metadata import SessionMetadata
from groundtrace.export.parameters import NwbParameters
from groundtrace.microscope import Microscope
from groundtrace.sessions import Session
from groundtrace.subjects import Subject

MICROSCOPE = {
    "description": "Resonant two-photon microscope",
    "excitation_wavelength": 920,
    "emission_wavelength": 525,
    "manufacturer": "Thorlabs",
    "model": "Bergamo II",
}
SUBJECTS = """\
subject\tspecies\tsex\tage\tdate_of_birth
M01\tMus musculus\tF\tP90D\t
M02\tMus musculus\tM\t\t2025-12-01
M03\t\t\t\t
"""


def complete_session(**changes: Any) -> Session:
    fields = {
        "subject": "M01",
        "session": "001",
        "date": "20260301",
        "path": "a.tif",
        "planes": 2,
        "indicator": "GCaMP6s",
        "location": "VISp",
        "start_time": "2026-03-01T14:05:00+01:00",
        "session_description": "Spontaneous activity in the dark.",
    }
    return Session(**(fields | changes))


def complete_metadata(**changes: Any) -> SessionMetadata:
    parameters = {
        "experimenter": ["Doe, Jane"],
        "lab": "Lab of vision",
        "institution": "University",
        "experiment_description": "Responses of visual cortex",
    }
    subject = Subject(subject="M01", species="Mus musculus", sex="F", age="P90D", description="a mouse", weight="25 g")
    checked = NwbParameters.model_validate(parameters)
    return SessionMetadata(complete_session(**changes), subject, Microscope.model_validate(MICROSCOPE), checked)
