"""Where results and logs lie below the folder of results: the recipe is the path, and what shares a prefix shares its
results. Names in braces are Snakemake's wildcards."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from natsort import natsorted

from groundtrace.section import GIVEN

# Readers of results ask for paths without a config.
if TYPE_CHECKING:
    from groundtrace.config import Config
    from groundtrace.sessions import Session

PLANE = "{session}/plane-{plane}"
SHEET, ANIMALS = ".sessions.tsv", ".subjects.tsv"
"""Copies of the sheets that a run was planned with, in the folder of results."""
FIELD = "{subject}/field-{field}/plane-{plane}"
"""A plane of the sessions that show the same tissue."""
TRACKED = f"{FIELD}/{{recipe}}/track-{{track}}"
"""Folder of what one method found to be the same cells."""
METHODS = ("motion", "denoise", "extract", "spikes")
"""Stages that have a choice of methods, in their order: each adds its method to the path."""


def folder_of(stage: str) -> str:
    """Folder of the results of a stage with methods."""
    return "/".join((PLANE, *(f"{name}-{{{name}}}" for name in METHODS[: METHODS.index(stage) + 1])))


def log_of(stage: str) -> str:
    """Logs and timings of one plane share a folder."""
    return f"{PLANE}/{'_'.join(folder_of(stage).removeprefix(f'{PLANE}/').split('/'))}"


MOTION, DENOISE, EXTRACT = (folder_of(stage) for stage in METHODS[:3])
ENCODER = f"{EXTRACT}/encoding_model-{{spikes}}-{{encode}}.pt"
"""An encoding model, fitted to the responses of a plane."""
GIVEN_MOTION, GIVEN_ROIS = (re.sub(r"\{(motion|denoise|extract)\}", GIVEN, pattern) for pattern in (MOTION, EXTRACT))
"""Folders of a session that starts from the ROIs and traces of another pipeline."""


@dataclass(frozen=True)
class Stage:
    """A step on the way from a raw movie to its page."""

    name: str
    log: str
    """Below `logs`, without its suffix."""
    file: str
    """What it leaves when it has succeeded, below the folder of results."""
    needed: "Callable[[Entry], bool]" = lambda entry: True
    """Whether a row of the study needs it."""


STAGES = (
    Stage("simulate", "{session}/simulate", "{session}/truth/cells.parquet", lambda entry: entry.simulated),
    Stage("adopt", f"{PLANE}/adopt", f"{PLANE}/acquisition.json", lambda entry: entry.adopted),
    Stage("ingest", f"{PLANE}/ingest", f"{PLANE}/acquisition.json", lambda entry: not entry.adopted),
    Stage(
        "motion channel",
        f"{PLANE}/ingest_motion_channel",
        f"{PLANE}/motion_channel.json",
        lambda entry: entry.other_channel,
    ),
    Stage("motion", log_of("motion"), f"{MOTION}/quality.parquet", lambda entry: not entry.adopted),
    Stage("denoise", log_of("denoise"), f"{DENOISE}/training.parquet", lambda entry: entry.denoised),
    Stage(
        "astrocytes",
        f"{PLANE}/astrocytes-{{recipe}}",
        f"{PLANE}/events-{{recipe}}.parquet",
        lambda entry: entry.astrocytes,
    ),
    Stage("extract", log_of("extract"), f"{EXTRACT}/fluorescence.parquet", lambda entry: not entry.adopted),
    Stage("dff", f"{log_of('extract')}_dff", f"{EXTRACT}/traces.parquet", lambda entry: not entry.from_units),
    Stage("spikes", log_of("spikes"), f"{EXTRACT}/spikes-{{spikes}}.parquet", lambda entry: not entry.from_units),
    Stage("presentations", f"{PLANE}/presentations", f"{PLANE}/presentations.parquet", lambda entry: entry.stimulated),
    Stage(
        "responses",
        f"{log_of('spikes')}_responses",
        f"{EXTRACT}/responses-{{spikes}}.parquet",
        lambda entry: entry.stimulated,
    ),
    Stage("encoding model", f"{log_of('spikes')}_encoding-{{encode}}", ENCODER, lambda entry: entry.encoded),
    Stage(
        "encode",
        f"{log_of('spikes')}_encoding",
        f"{EXTRACT}/encoding-{{spikes}}.parquet",
        lambda entry: entry.encoded,
    ),
    Stage("report", f"{PLANE}/report-{{recipe}}", f"{PLANE}/report-{{recipe}}.html"),
)
"""In their order. Wildcards in the names of its files say what a stage has one of: a session, a plane, a recipe."""
TRUE_STIMULI, TRUE_IMAGES = "{session}/truth/stimuli.parquet", "{session}/truth/stimulus_images.npz"
"""What a simulated session is shown."""
UNFINISHED = "study.unfinished.parquet"
"""The table Study after a run in which something failed; the rule `study` has no table then, so that it runs again."""
WILDCARDS = {"session": r"sub-[^/]+/ses-[^/]+", "plane": r"\d+"} | {
    name: r"[a-z][a-z0-9_]*" for name in (*METHODS, "recipe")
}
WILDCARDS |= {"subject": r"sub-[^/]+", "field": r"[A-Za-z0-9][A-Za-z0-9_]*", "track": r"[a-z][a-z0-9_]*"}
WILDCARDS |= {"encode": r"[a-z][a-z0-9_]*"}
WILDCARDS |= {"animal": r"sub-[^/_]+", "recording": r"sub-[^/_]+_ses-[^/_]+"}
"""What each may be."""
FILES = {
    "acquisition": f"{PLANE}/acquisition.json",
    "frames": f"{PLANE}/frames.parquet",
    "raw_quality": f"{PLANE}/raw_quality.parquet",
    "raw_images": f"{PLANE}/raw_images.npz",
    "shifts": f"{MOTION}/shifts.parquet",
    "motion_images": f"{MOTION}/images.npz",
    "motion_quality": f"{MOTION}/quality.parquet",
    "denoising_noise": f"{DENOISE}/noise.npz",
    "denoising_curve": f"{DENOISE}/training.parquet",
    "denoising_check": f"{DENOISE}/check.parquet",
    "denoising_images": f"{DENOISE}/images.npz",
    "events": f"{PLANE}/events-{{recipe}}.parquet",
    "event_quality": f"{PLANE}/event_quality-{{recipe}}.parquet",
    "rois": f"{EXTRACT}/rois.parquet",
    "curation": f"{EXTRACT}/curation.parquet",
    "extraction_images": f"{EXTRACT}/extraction_images.npz",
    "extraction_quality": f"{EXTRACT}/extraction_quality.parquet",
    "traces": f"{EXTRACT}/traces.parquet",
    "brightness": f"{EXTRACT}/brightness.parquet",
    "spikes": f"{EXTRACT}/spikes-{{spikes}}.parquet",
    "presentations": f"{PLANE}/presentations.parquet",
    "responses": f"{EXTRACT}/responses-{{spikes}}.parquet",
    "reliability": f"{EXTRACT}/reliability-{{spikes}}.parquet",
    "tuning": f"{EXTRACT}/tuning-{{spikes}}.parquet",
    "stimulus_images": "{session}/stimulus_images.npz",
    "encoding": f"{EXTRACT}/encoding-{{spikes}}.parquet",
    "most_exciting_images": f"{EXTRACT}/most_exciting_images-{{spikes}}.parquet",
    "in_silico_responses": f"{EXTRACT}/in_silico_responses-{{spikes}}.parquet",
    "inside": f"{EXTRACT}/inside-{{spikes}}.parquet",
    "encoding_pictures": f"{EXTRACT}/encoding_pictures-{{spikes}}.npz",
}
"""Files of a plane by the names under which sections of its page, exports and `open_study` ask for them."""
EXPORTED = (
    "acquisition",
    "frames",
    "raw_images",
    "shifts",
    "motion_images",
    "rois",
    "extraction_images",
    "traces",
    "brightness",
    "spikes",
)
"""Those that are exported to other programs."""
NWB = "nwb/{recipe}/{animal}/{recording}_ophys.nwb"
"""Of a session, as the DANDI archive wants them to lie."""
FOUND = f"{EXTRACT}/found.parquet"
"""ROIs as extraction left them."""
CURATION = f"{PLANE}/{{recipe}}.tsv"
"""What a person decided, below the folder of curations (`curation` in the config)."""
SUITE2P = "suite2p/{recipe}/{session}/plane{plane}"
"""Folder of a plane as Suite2p leaves one."""
DENOISED = tuple(name for name in FILES if name.startswith("denoising_"))
"""Those that only recipes that denoise have."""
ASTROCYTES = ("events", "event_quality")
"""Those that only sessions of astrocytes have."""
STIMULATED = ("presentations", "responses", "reliability", "tuning")
"""Those that only sessions with stimuli have."""


@dataclass(frozen=True)
class Step:
    """One job on the way to a row of the study."""

    stage: str
    """Its name."""
    log: Path
    file: Path
    """It is there when the step has succeeded."""


@dataclass(frozen=True)
class Entry:
    """One session, plane and recipe: a row of the study."""

    results: Path
    session: str
    """Key: `sub-…/ses-…_date-…`."""
    plane: int
    recipe: str
    methods: Mapping[str, str]
    """Methods of the recipe: motion, denoise, extract, spikes."""
    indicator: str
    simulated: bool
    denoised: bool = False
    adopted: bool = False
    """It starts from the ROIs and traces of another pipeline."""
    from_units: bool = False
    """It starts from sorted spikes."""
    other_channel: bool = False
    """Motion is estimated on another channel than the functional one."""
    stimulated: bool = False
    """Stimuli were shown, and the sheet names them."""
    encoders: tuple[str, ...] = ()
    """Encoding models of the config, where the images that were shown are there."""
    astrocytes: bool = False
    """Astrocytes are imaged, and there is a movie to find their events in."""
    missing: str = ""
    """Which raw data are not there."""
    tracks: Path | None = None
    """Table Tracks of its field by the first method; None where it is alone."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Columns of the sheet that are the lab's own."""

    @cached_property
    def archived(self) -> bool:
        """The raw data are gone, and were ingested before."""
        return bool(self.missing) and self.file("ingest").exists()

    @cached_property
    def can_be_made(self) -> bool:
        """Whether there is a way from what there is to its page; one that fails and says why is a way."""
        movies = ("motion", "denoise", "astrocytes", "extract")
        return not self.archived or all(step.file.exists() for step in self.steps if step.stage in movies)

    @property
    def encoded(self) -> bool:
        """Whether it has encoding models."""
        return bool(self.encoders)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        wheres = {True: [self._where | {"encode": name} for name in self.encoders], False: [self._where]}
        return tuple(
            Step(
                stage.name,
                self.results / "logs" / f"{stage.log.format(**where)}.log",
                self.results / stage.file.format(**where),
            )
            for stage in STAGES
            if stage.needed(self)
            for where in wheres["{encode}" in stage.file]
        )

    def file(self, name: str) -> Path:
        """What a stage leaves."""
        return self.results / next(stage.file for stage in STAGES if stage.name == name).format(**self._where)

    @property
    def _where(self) -> dict[str, str | int]:
        return {"session": self.session, "plane": self.plane, "recipe": self.recipe, **self.methods}

    @property
    def raw_quality(self) -> Path:
        return self.file("ingest").with_name("raw_quality.parquet")

    @property
    def rois(self) -> Path:
        """Table Rois with the verdicts that hold."""
        return self.file("dff").with_name("rois.parquet")

    @property
    def warnings(self) -> Path:
        """Table Warnings of its page."""
        return self.file("report").with_name(f"warnings-{self.recipe}.parquet")

    @property
    def encoding_page(self) -> Path:
        """What encoding models say of the cells, where there are some."""
        return self.file("report").with_name(f"encoding-{self.recipe}.html")

    @property
    def encoding_warnings(self) -> Path:
        """Table Warnings of that page."""
        return self.file("report").with_name(f"encoding_warnings-{self.recipe}.parquet")

    @property
    def card(self) -> Path:
        """Acquisition card of its page."""
        return self.file("report").with_name(f"card-{self.recipe}.json")


@dataclass(frozen=True)
class Entries:
    """All rows of a study. An object of its own and no list, which Snakemake would store, compare and print."""

    rows: tuple[Entry, ...]


def told_missing(entries: Entries) -> list[str]:
    """A line for each session whose raw data are not there."""
    sessions = {entry.session: entry for entry in entries.rows if entry.missing}
    return [
        f"{entry.missing}; its results stay, and can no longer be made anew"
        if entry.archived
        else f"{entry.missing}; it has no results, and fails"
        for entry in sessions.values()
    ]


def fields_of(sessions: "Mapping[str, Session]") -> dict[tuple[str, str, int], list[str]]:
    """Keys of the sessions of each field with two or more, in the order of time: by subject, field and plane.

    Of one date, or without any, by their names: 2 before 10.
    """
    found: dict[tuple[str, str, int], list[str]] = {}
    named = natsorted(key for key, session in sessions.items() if session.field)
    for key in sorted(named, key=lambda key: sessions[key].date or ""):
        session = sessions[key]
        for plane in range(session.planes):
            found.setdefault((f"sub-{session.subject}", session.field or "", plane), []).append(key)
    return {where: keys for where, keys in found.items() if len(keys) > 1}


def with_stimuli(config: "Config", session: "Session") -> "Session":
    """A simulated session that is shown something, with the files of it that the simulation writes."""
    if session.simulate is None or config.simulation[session.simulate].stimulus is None:
        return session
    files = {"stimuli": TRUE_STIMULI, "stimulus_images": TRUE_IMAGES}
    made = {name: (config.results / file.format(session=session.key)).as_posix() for name, file in files.items()}
    return session.model_copy(update=made)


def study_entries(
    config: "Config", sessions: "Mapping[str, Session]", missing: Mapping[str, str] | None = None
) -> Entries:
    """Every session of the sheet, plane and recipe of the config. missing: by session, which raw data are not there."""
    rows, fields, first = [], fields_of(sessions), next(iter(config.track))
    for key, session in sessions.items():
        methods = {name: config.methods(name, session) for name in config.recipes}
        shown = with_stimuli(config, session)
        rows += [
            Entry(
                config.results,
                key,
                plane,
                name,
                own,
                session.indicator,
                simulated=session.simulate is not None,
                denoised=config.denoises(own["denoise"]),
                adopted=session.adopted,
                from_units=session.from_units,
                other_channel=session.other_channel,
                stimulated=shown.stimuli is not None,
                encoders=tuple(config.encode) if shown.stimulus_images is not None else (),
                astrocytes=session.shows_events,
                missing=(missing or {}).get(key, ""),
                tracks=_tracks(config, session, plane, name, first, fields),
                labels=session.labels,
            )
            for plane in range(session.planes)
            for name, own in methods.items()
        ]
    return Entries(tuple(rows))


def _tracks(
    config: "Config",
    session: "Session",
    plane: int,
    recipe: str,
    method: str,
    fields: Mapping[tuple[str, str, int], list[str]],
) -> Path | None:
    where = (f"sub-{session.subject}", session.field or "", plane)
    if where not in fields:
        return None
    folder = TRACKED.format(subject=where[0], field=where[1], plane=plane, recipe=recipe, track=method)
    return config.results / folder / "tracks.parquet"
