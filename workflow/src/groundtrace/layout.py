"""Where results and logs lie below the folder of results: the recipe is the path, and what shares a prefix shares its
results. Names in braces are Snakemake's wildcards."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from groundtrace.config import Config
from groundtrace.sessions import Session

PLANE = "{session}/plane-{plane}"
MOTION = f"{PLANE}/motion-{{motion}}"
DENOISE = f"{MOTION}/denoise-{{denoise}}"
DENOISE_LOG = f"{MOTION}_denoise-{{denoise}}"
EXTRACT = f"{DENOISE}/extract-{{extract}}"
EXTRACT_LOG = f"{DENOISE_LOG}_extract-{{extract}}"
STEPS = {
    "simulate": ("{session}/simulate", "{session}/truth/cells.parquet"),
    "ingest": (f"{PLANE}/ingest", f"{PLANE}/acquisition.json"),
    "motion channel": (f"{PLANE}/ingest_motion_channel", f"{PLANE}/motion_channel.json"),
    "motion": (MOTION, f"{MOTION}/quality.parquet"),
    "denoise": (DENOISE_LOG, f"{DENOISE}/training.parquet"),
    "extract": (EXTRACT_LOG, f"{EXTRACT}/fluorescence.parquet"),
    "dff": (f"{EXTRACT_LOG}_dff", f"{EXTRACT}/traces.parquet"),
    "spikes": (f"{EXTRACT_LOG}_spikes-{{spikes}}", f"{EXTRACT}/spikes-{{spikes}}.parquet"),
    "report": (f"{PLANE}/report-{{recipe}}", f"{PLANE}/report-{{recipe}}.html"),
}
"""From raw movie to page: each step's log, below `logs` and without its suffix, and a file that it leaves."""


@dataclass(frozen=True)
class Step:
    """One job on the way to a row of the study."""

    stage: str
    """A key of STEPS."""
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
    """Of the recipe: motion, denoise, extract, spikes."""
    indicator: str
    simulated: bool
    denoised: bool = False
    other_channel: bool = False
    """Motion is estimated on another channel than the functional one."""

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return tuple(
            Step(stage, self.results / "logs" / f"{log.format(**self._where)}.log", self.file(stage))
            for stage, (log, _) in STEPS.items()
            if {"simulate": self.simulated, "denoise": self.denoised, "motion channel": self.other_channel}.get(
                stage, True
            )
        )

    def file(self, stage: str) -> Path:
        """What a step leaves."""
        return self.results / STEPS[stage][1].format(**self._where)

    @property
    def _where(self) -> dict[str, str | int]:
        return {"session": self.session, "plane": self.plane, "recipe": self.recipe, **self.methods}

    @property
    def raw_quality(self) -> Path:
        return self.file("ingest").with_name("raw_quality.parquet")


@dataclass(frozen=True)
class Entries:
    """All rows of a study. An object of its own and no list, which Snakemake would store, compare and print."""

    rows: tuple[Entry, ...]


def study_entries(config: Config, sessions: Mapping[str, Session]) -> Entries:
    """Every session of the sheet, plane and recipe of the config."""
    methods = {name: recipe.model_dump() for name, recipe in config.recipes.items()}
    return Entries(
        tuple(
            Entry(
                config.results,
                key,
                plane,
                name,
                methods[name],
                session.indicator,
                simulated=session.simulate is not None,
                denoised=config.denoises(methods[name]["denoise"]),
                other_channel=session.other_channel,
            )
            for key, session in sessions.items()
            for plane in range(session.planes)
            for name in methods
        )
    )
