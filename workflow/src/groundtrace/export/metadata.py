"""What an NWB file of a session must say, from the sheets and the config; what is missing is named, never made up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from groundtrace.errors import InputError, did_you_mean
from groundtrace.export.parameters import NwbParameters
from groundtrace.indicators import UNKNOWN
from groundtrace.microscope import Microscope
from groundtrace.sessions import LABELS, Session
from groundtrace.subjects import Animals, Subject

TOLD = ("description", "excitation_wavelength", "emission_wavelength")
"""Fields of a microscope that a file must have."""
LISTED = 20
"""Sessions whose missing metadata are listed one by one."""


@dataclass(frozen=True)
class SessionMetadata:
    """Complete metadata of one session."""

    session: Session
    subject: Subject
    microscope: Microscope
    parameters: NwbParameters

    @property
    def start(self) -> datetime:
        """With its time zone."""
        found = datetime.fromisoformat(self.session.start_time or "")
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(self.parameters.time_zone or ""))

    @property
    def birth(self) -> datetime | None:
        """Midnight of the day, where the session was recorded."""
        zone: tzinfo | None = self.start.tzinfo
        born = self.subject.date_of_birth
        return born and datetime.combine(born, time(), zone)

    @property
    def session_id(self) -> str:
        return session_id(self.session)

    def plain(self) -> dict[str, Any]:
        """All that a file says of it; not where its raw files lie, nor the optics of its microscope."""
        return {
            "session": self.session.model_dump(mode="json", include={"subject", "session", "date", *LABELS}),
            "subject": self.subject.model_dump(mode="json"),
            "microscope": self.microscope.model_dump(mode="json", include={*TOLD, "manufacturer", "model"}),
            "parameters": self.parameters.model_dump(mode="json"),
        }


def session_id(session: Session) -> str:
    """The session's label and date: labels alone need not be unique within an animal."""
    return "-".join(filter(None, (session.session.replace("_", "-"), session.date)))


def nwb_name(session: Session) -> str:
    """`sub-…_ses-…`: as archives name files, in which an underscore ends a label."""
    return f"sub-{session.subject.replace('_', '-')}_ses-{session_id(session)}"


@dataclass(frozen=True)
class Sheets:
    """Where the metadata of a study are from."""

    sessions: Path
    animals: Animals
    parameters: NwbParameters
    microscopes: Mapping[str, Microscope]

    def metadata(self, session: Session) -> SessionMetadata:
        """Raises InputError that lists everything that is missing, with sheet and column."""
        self.check([session])
        subject = self.animals.subjects[session.subject]
        return SessionMetadata(session, subject, self._microscopes(session)[0], self.parameters)

    def check(self, sessions: list[Session]) -> None:
        """Raise one InputError for all sessions whose metadata are not complete."""
        lines = [list(self._missing(session)) for session in sessions]
        faults = list(dict.fromkeys(line for found in lines for line in found))
        if faults:
            more = f"\n  … and {len(faults) - LISTED} more" if len(faults) > LISTED else ""
            raise InputError(
                f"NWB: {sum(map(bool, lines))} of {len(sessions)} session(s) lack what a file must say:\n"
                + "\n".join(f"  {fault}" for fault in faults[:LISTED])
                + more
            )

    def _missing(self, session: Session) -> Iterator[str]:
        where = f"{self.sessions}: sub-{session.subject} ses-{session.session}"
        if session.start_time is None:
            yield f"{where}: start_time is empty; the time of the first frame, as 2026-03-01T14:05:00+01:00"
        elif not datetime.fromisoformat(session.start_time).tzinfo and self.parameters.time_zone is None:
            yield (
                f"{where}: start_time {session.start_time} has no offset; write it as {session.start_time}+01:00, or "
                "set `nwb.time_zone` in the config, as Europe/Zurich"
            )
        if session.session_description is None:
            yield f"{where}: session_description is empty; what was done in it, in a sentence"
        if session.location is None:
            yield f"{where}: location is empty; the brain area, for mice as the Allen CCF names it, such as VISp"
        if session.indicator == UNKNOWN:
            yield f"{where}: indicator is {UNKNOWN}; a name from resources/indicators.tsv"
        yield from self._missing_microscope(session, where)
        yield from self._missing_subject(session)

    def _microscopes(self, session: Session) -> list[Microscope]:
        """The one that is named, or all where none is."""
        known = self.microscopes
        return [known[name] for name in ([session.microscope] if session.microscope else known) if name in known]

    def _missing_microscope(self, session: Session, where: str) -> Iterator[str]:
        known = self.microscopes
        if not known:
            yield (
                "config: microscopes is empty; name yours, with description, excitation_wavelength and "
                "emission_wavelength (nm)"
            )
        elif session.microscope and session.microscope not in known:
            yield (
                f"{where}: microscope {session.microscope!r} is not under `microscopes` in the config; there are "
                f"{', '.join(known)}{did_you_mean(session.microscope, known)}"
            )
        elif not session.microscope and len(known) > 1:
            yield f"{where}: microscope is empty; one of {', '.join(known)}"
        else:
            name = session.microscope or next(iter(known))
            for field in TOLD:
                if getattr(known[name], field) is None:
                    yield f"config: microscopes.{name}.{field} is empty{'' if field == 'description' else '; nm'}"

    def _missing_subject(self, session: Session) -> Iterator[str]:
        path, known = self.animals.path, self.animals.subjects
        if not self.animals.text:
            yield (
                f"{path} does not exist; write one row per animal: subject, species, sex, age or date_of_birth (or set "
                "`subjects` in the config)"
            )
            return
        subject = known.get(session.subject)
        if subject is None:
            yield f"{path}: has no row for subject {session.subject}{did_you_mean(session.subject, known)}"
            return
        where = f"{path}: {session.subject}"
        if subject.species is None:
            yield f"{where}: species is empty; its Latin name, as Mus musculus"
        if subject.sex is None:
            yield f"{where}: sex is empty; M, F, U (unknown) or O (other)"
        if subject.age is None and subject.date_of_birth is None:
            yield f"{where}: age and date_of_birth are empty; write one of them, as P90D or 2026-01-31"
