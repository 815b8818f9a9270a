"""A config and its sessions, as the rules of the workflow ask for them."""

import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from groundtrace.acquisition import LABELS
from groundtrace.config import Config, load
from groundtrace.curation.file import CurationFile
from groundtrace.export.metadata import SessionMetadata, Sheets, nwb_name
from groundtrace.extraction.given.kinds import RoiFile
from groundtrace.indicators import Indicator, assumption, in_species, kinetics, simulated
from groundtrace.movies.z_stack import StackFile
from groundtrace.running import layout
from groundtrace.running.asking import unanswered
from groundtrace.running.curations import Curations
from groundtrace.running.internals import plainly
from groundtrace.running.of_job import OfEachJob, OfJob, Wildcards, of_job
from groundtrace.running.renaming import advice
from groundtrace.running.unsuited import told_unsuited
from groundtrace.section import Backend
from groundtrace.sessions import Session
from groundtrace.sheet import read_sheet
from groundtrace.simulation.parameters import Z_STEP, Simulation
from groundtrace.subjects import Animals, read_subjects

NOTHING = "(?!)"
"""Pattern that matches no name."""


@dataclass(frozen=True)
class Plan:
    """What is to be made of which sessions, and where."""

    config: Config
    sessions: Mapping[str, Session]
    """Sessions by key: `sub-…/ses-…_date-…`."""
    scripts: Path
    """The folder of the rules' scripts."""
    hashes: bool = True
    """This is the run itself, which hashes the code, and no job of it: a job never compares code."""
    batched: bool = False
    """A run makes a part of the study only."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Of sessions, by key: which raw data are not there."""
    sheet: str = ""
    """The sample sheet as it was read."""
    animals: Animals = field(default_factory=Animals)

    @classmethod
    @plainly
    def read(cls, config: Mapping[str, Any], scripts: Path | str, hashes: bool = True, batched: bool = False) -> "Plan":
        """From a config as Snakemake has it; raises WorkflowError where it, or its sheet, is wrong."""
        checked = load(config)
        kept, animals = (None if hashes else _kept(checked, name) for name in (layout.SHEET, layout.ANIMALS))
        sheet = read_sheet(checked.sessions, checked.simulation, kept)
        sessions = {key: layout.with_stimuli(checked, session) for key, session in sheet.valid().items()}
        checked.check_sessions(sessions)
        for session in sessions.values():
            if session.simulate is not None:
                simulated(session.indicator)
        animals = read_subjects(checked.subjects, animals)
        plan = cls(checked, sessions, Path(scripts), hashes, batched, sheet.missing, sheet.text, animals)
        if hashes:
            sheet.refuse(unanswered(sheet, plan.study.rows))
            from groundtrace.running.excluded import check_excluded

            check_excluded(plan, sheet)
            plan.curations.check()
            if any(session.stimuli for session in sessions.values()):
                from groundtrace.running.stimuli import check_stimuli

                check_stimuli(plan, sheet)
            assumed = [assumption(plan.told(each), plan.species(each)) for each in sessions.values()]
            renamed = advice(checked.results, sheet)
            for line in plan.curations.unused():
                print(f"warning: {line}", file=sys.stderr)
            told = [*layout.told_missing(plan.study), *renamed, *told_unsuited(checked, sessions)]
            for line in [*told, *dict.fromkeys(filter(None, assumed))]:
                print(f"warning: {checked.sessions}: {line}", file=sys.stderr)
        return plan

    @cached_property
    def results(self) -> str:
        return self.config.results.as_posix()

    @property
    def benchmark(self) -> str:
        return f"{self.results}/benchmark"

    @property
    def scores(self) -> str:
        """Folder of the scores of one plane."""
        return f"{self.benchmark}/recordings/{layout.PLANE}"

    def at(self, pattern: str) -> str:
        """A pattern of `layout` with the folder of results before it."""
        return f"{self.results}/{pattern}"

    def log(self, step: str) -> str:
        """Logs and timings mirror the path in one folder per plane."""
        return f"{self.results}/logs/{step}.log"

    def timing(self, step: str) -> str:
        return f"{self.results}/timings/{step}.tsv"

    @cached_property
    def study(self) -> layout.Entries:
        return layout.study_entries(self.config, self.sessions, self.missing)

    @cached_property
    def with_raw_data(self) -> str:
        """Pattern of the sessions that can be ingested. What was made of raw data that are gone counts as given:
        Snakemake would delete it before it finds that it cannot make it again."""
        return self._without({entry.session: None for entry in self.study.rows if entry.archived or entry.adopted})

    @cached_property
    def to_register(self) -> str:
        """Pattern of the sessions whose movies are read."""
        return self._without({key: None for key, session in self.sessions.items() if session.adopted})

    @cached_property
    def adopted(self) -> str:
        """Pattern of the sessions that start from ROIs and traces of another pipeline, which are there."""
        return self._adopted(from_units=False)

    @cached_property
    def from_units(self) -> str:
        """Pattern of the sessions that start from sorted spikes, which are there."""
        return self._adopted(from_units=True)

    @cached_property
    def with_traces(self) -> str:
        """Pattern of the sessions whose spikes are inferred."""
        return self._without({key: None for key, session in self.sessions.items() if session.from_units})

    def _adopted(self, from_units: bool) -> str:
        rows = [entry for entry in self.study.rows if entry.adopted and not entry.archived]
        names = dict.fromkeys(entry.session for entry in rows if entry.from_units == from_units)
        return "|".join(map(re.escape, names)) or NOTHING

    def _without(self, keys: Mapping[str, None]) -> str:
        pattern = layout.WILDCARDS["session"]
        return f"(?!(?:{'|'.join(map(re.escape, keys))})/plane-){pattern}" if keys else pattern

    @cached_property
    def simulated(self) -> dict[str, Session]:
        return {key: session for key, session in self.sessions.items() if session.simulate is not None}

    def planes(self, sessions: Mapping[str, Session] | None = None) -> Iterator[tuple[str, int]]:
        """Key and plane."""
        for key, session in (self.sessions if sessions is None else sessions).items():
            for plane in range(session.planes):
                yield key, plane

    def simulation(self, key: str) -> Simulation:
        """Parameters of a simulated session."""
        name = self.sessions[key].simulate
        assert name is not None, key
        return self.config.simulation[name]

    def makes_stimuli(self, session: Session) -> bool:
        """Whether a simulation writes the file of its stimuli."""
        return session.simulate is not None and self.simulation(session.key).stimulus is not None

    @cached_property
    def fitted_cells(self) -> bool:
        """Whether a simulation has cells of a network, which need PyTorch."""
        shown = (self.simulation(key).stimulus for key in self.simulated)
        return any(stimulus is not None and stimulus.network is not None for stimulus in shown)

    @cached_property
    def simulation_of(self) -> OfJob:
        return self.of_session(lambda session: self.simulation(session.key))

    @OfEachJob
    def leads(self, wildcards: Wildcards) -> bool:
        """Whether a recipe is the first by name of those with its ROIs, which differ in their spike inference alone."""
        own = self.config.recipes[wildcards.recipe].model_dump(exclude={"spikes"})
        same = (name for name, other in self.config.recipes.items() if other.model_dump(exclude={"spikes"}) == own)
        return min(same) == wildcards.recipe

    def species(self, session: Session) -> str | None:
        """Latin name, where the sheet of animals tells it."""
        subject = self.animals.subjects.get(session.subject)
        return subject and subject.species

    def told(self, session: Session) -> str:
        """The indicator, with the species where its kinetics there are known."""
        return in_species(session.indicator, self.species(session))

    @cached_property
    def sheets(self) -> Sheets:
        """Where the metadata of NWB files are from."""
        return Sheets(self.config.sessions, self.animals, self.config.nwb, self.config.microscopes)

    @cached_property
    def recordings(self) -> dict[str, Session]:
        """Sessions by the names of their NWB files."""
        return {nwb_name(session): session for session in self.sessions.values()}

    @OfEachJob
    def metadata(self, wildcards: Wildcards) -> SessionMetadata:
        """Of the session of an NWB file; raises InputError that lists what is missing."""
        return self.sheets.metadata(self.recordings[wildcards.recording])

    @cached_property
    def methods(self) -> dict[str, dict[str, str]]:
        """The method of each stage, by recipe."""
        return {name: recipe.model_dump() for name, recipe in self.config.recipes.items()}

    @cached_property
    def _own_methods(self) -> dict[str, dict[str, dict[str, str]]]:
        own = {key: session for key, session in self.sessions.items() if session.given}
        return {
            key: {name: self.config.methods(name, session) for name in self.config.recipes}
            for key, session in own.items()
        }

    @cached_property
    def fields(self) -> dict[tuple[str, str, int], list[str]]:
        """Keys of the sessions of each field with two or more: by subject, field and plane."""
        return layout.fields_of(self.sessions)

    def methods_of(self, key: str, recipe: str) -> dict[str, str]:
        """The method of each stage for a session, which may bring the result of some along."""
        return self._own_methods.get(key, self.methods)[recipe]

    def of_method(self, stage: str, function: Callable[[Backend], Any]) -> OfJob:
        """Input, parameter or environment that depends on the method of a stage alone: computed once for each."""
        once = functools.cache(lambda name: function(self.config.backend(stage, name)))
        return of_job(lambda wildcards: once(getattr(wildcards, stage)))

    def of_session(self, function: Callable[[Session], Any]) -> OfJob:
        """Parameter that depends on the session alone: computed once for all its planes."""
        once = functools.cache(lambda key: function(self.sessions[key]))
        return of_job(lambda wildcards: once(wildcards.session))

    def method(self, stage: str) -> OfJob:
        """The method of a stage."""
        return self.of_method(stage, lambda backend: backend)

    @cached_property
    def session(self) -> OfJob:
        return self.of_session(lambda session: session)

    def simulates_stack(self, key: str) -> bool:
        """Whether a session is simulated with a z-stack."""
        return self.sessions[key].simulate is not None and self.simulation(key).z_stack > 0

    @OfEachJob
    def z_stack(self, wildcards: Wildcards) -> StackFile:
        """Of a session: the file and its step, µm; what is in it decides (`Identities`), not where it lies."""
        session = self.sessions[wildcards.session]
        if self.simulates_stack(session.key):
            return StackFile(self.at("{session}/truth/z_stack.tif").format(session=session.key), Z_STEP)
        return StackFile(session.z_stack or "", session.z_step or 0.0)

    @cached_property
    def microscope(self) -> OfJob:
        return self.of_session(self.config.microscope)

    @cached_property
    def indicator(self) -> OfJob:
        """Kinetics: editing one indicator's reruns the sessions with that indicator."""
        return self.of_session(lambda session: _values(kinetics(self.told(session))))

    @OfEachJob
    def given_rois(self, wildcards: Wildcards) -> RoiFile | None:
        """File of the ROIs that a job measures instead of looking for some. It is nothing that Snakemake compares:
        what is in the file decides (`Identities`), not where it lies."""
        files = self.sessions[wildcards.session].roi_files()
        return files[int(wildcards.plane)] if self.config.measures_given(wildcards.extract) and files else None

    @cached_property
    def curations(self) -> Curations:
        """What a person decided about ROIs."""
        return Curations.of(self.config, self.sessions)

    @OfEachJob
    def curation(self, wildcards: Wildcards) -> CurationFile | None:
        """File of what a person decided about the ROIs of a job. What is in it decides (`Identities`), not its time."""
        chain = (wildcards.motion, wildcards.denoise, wildcards.extract)
        return self.curations.of_chain(wildcards.session, int(wildcards.plane), chain)

    @OfEachJob
    def curation_path(self, wildcards: Wildcards) -> str:
        """Where that of a page lies, or belongs."""
        return self.curations.path(wildcards.session, int(wildcards.plane), wildcards.recipe)

    def labels(self, rule: str) -> OfJob:
        """LABELS of a session, as far as a rule uses them; `acquisition.json` has none."""
        used = {"session_report": LABELS, "spikes": ("indicator", "cell_class", "preparation")}.get(
            rule, ("indicator",)
        )

        def of(wildcards: Wildcards) -> dict[str, Any]:
            if not self.tells(rule, wildcards):
                return {}
            session = self.sessions[wildcards.session]
            told = {name: getattr(session, name) for name in used} | {"indicator": self.told(session)}
            return told | ({"species": self.species(session)} if rule == "session_report" else {})

        return of_job(of)

    def tells(self, rule: str, wildcards: Wildcards) -> bool:
        """Whether the result of a job depends on the indicator."""
        if rule == "dff":
            return self.config.denoises(wildcards.denoise)
        return rule != "extract" or self.config.backend("extract", wildcards.extract).reads_indicator  # pyright: ignore[reportAttributeAccessIssue]

    def environment(self, stage: str) -> OfJob:
        """Conda file of the method of a stage; backends of other packages bring theirs."""

        def of(backend: Backend) -> str:
            name = backend.environment
            return name if Path(name).is_absolute() else f"../../envs/{name}.yaml"

        return self.of_method(stage, of)

    @OfEachJob
    def smoothing(self, wildcards: Wildcards) -> Any:
        """Parameters of denoised traces, of recipes that denoise."""
        return self.config.smoothing if self.config.denoises(wildcards.denoise) else None

    @OfEachJob
    def spike_trace(self, wildcards: Wildcards) -> str:
        """Column of the table Traces that spikes are inferred from."""
        backend = self.config.backend("spikes", wildcards.spikes)
        denoised = self.config.denoises(wildcards.denoise) and backend.reads_denoised  # pyright: ignore[reportAttributeAccessIssue]
        return "dff_denoised" if denoised else "dff"

    @property
    def scored_spikes(self) -> Backend:
        """Infers spikes from denoised traces in the benchmark: that of the recipe that is the default."""
        return self.config.backend("spikes", next(iter(self.config.recipes.values())).spikes)

    @property
    def scored(self) -> list[str]:
        """Spike inference scored on ground truth; the do-nothing controls are scored by one job of that name."""
        return [*(self.config.benchmark.backends or self.config.spikes), "controls"]

    @OfEachJob
    def scored_method(self, wildcards: Wildcards) -> Backend | None:
        return None if wildcards.scored == "controls" else self.config.backend("spikes", wildcards.scored)

    @OfEachJob
    def recipe_extraction(self, wildcards: Wildcards) -> str:
        return self.methods[wildcards.recipe]["extract"]

    @OfEachJob
    def recipe_methods(self, wildcards: Wildcards) -> dict[str, str]:
        """Names of a recipe and its methods, as columns of the benchmark's tables."""
        methods = dict(self.methods[wildcards.recipe])
        return {"recipe": wildcards.recipe, "motion_method": methods.pop("motion"), **methods}


def _kept(config: Config, name: str) -> Path | None:
    """A sheet of the run that is under way, for its jobs: the user may edit the other one meanwhile."""
    kept = config.results / name
    return kept if kept.is_file() else None


def _values(indicator: Indicator | None) -> dict[str, Any] | None:
    return indicator and indicator.model_dump()
