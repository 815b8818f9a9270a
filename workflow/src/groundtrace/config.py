"""The config: the only place where a key is named. Parsed once, before the DAG exists."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args

from pydantic import Field, StringConstraints, ValidationError, create_model, field_validator, model_validator

from groundtrace import plugins
from groundtrace.astrocytes.parameters import EventParameters
from groundtrace.benchmark.parameters import CONTROLS, BenchmarkParameters
from groundtrace.denoising.boxcar import Boxcar
from groundtrace.denoising.network import NetworkDenoising
from groundtrace.denoising.none import NoDenoising
from groundtrace.denoising.svd import Svd
from groundtrace.encoding.gabor import Gabor
from groundtrace.encoding.linear import Linear
from groundtrace.encoding.network import EncodingNetwork
from groundtrace.encoding.parameters import EncodingParameters
from groundtrace.errors import InputError, did_you_mean
from groundtrace.export.parameters import NwbParameters
from groundtrace.extraction.cnmf import Cnmf
from groundtrace.extraction.cnmfe import CnmfE
from groundtrace.extraction.masks import Masks
from groundtrace.extraction.onacid import OnAcid
from groundtrace.extraction.one_photon import OnePhoton
from groundtrace.extraction.processes import Processes
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.extraction.transients import Transients
from groundtrace.groundtruth.parameters import GroundTruthSource
from groundtrace.microscope import Microscope
from groundtrace.motion.none import NoMotion
from groundtrace.motion.normcorre import NormCorre
from groundtrace.motion.phase.backend import Phase
from groundtrace.motion.suite2p import Suite2pMotion
from groundtrace.report.parameters import ReportParameters
from groundtrace.responses.parameters import ResponseParameters
from groundtrace.section import GIVEN, Backend, Section
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation
from groundtrace.spikes.cascade import Cascade
from groundtrace.spikes.convex import Convex
from groundtrace.spikes.network.backend import Network
from groundtrace.spikes.oasis import Oasis
from groundtrace.traces.dff import DffParameters
from groundtrace.traces.smoothing import SmoothingParameters
from groundtrace.tracking.mixture import Mixture
from groundtrace.tracking.overlap import Overlap
from groundtrace.tracking.roicat import Roicat
from groundtrace.training.parameters import TrainingParameters

ORACLE = "oracle"
"""The control in place of an extraction: the true footprints of a simulated session."""
MEAN = "mean"
"""The encoding model that knows no image: a control, as is ORACLE."""
CLEAN = "clean"
"""The control in place of a denoising: the movie of a simulated session as it would be without noise."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
"""Names become folders: lower case letters, digits, underscores."""

Motion = Annotated[NoMotion | Phase | Suite2pMotion | NormCorre, Field(discriminator="backend")]
Denoising = Annotated[NoDenoising | NetworkDenoising | Boxcar | Svd, Field(discriminator="backend")]
Extraction = Annotated[
    Transients | OnePhoton | Processes | Masks | Suite2pExtraction | Cnmf | CnmfE | OnAcid,
    Field(discriminator="backend"),
]
Spikes = Annotated[Network | Oasis | Convex | Cascade, Field(discriminator="backend")]
Tracking = Annotated[Mixture | Overlap | Roicat, Field(discriminator="backend")]
Encoding = Annotated[Linear | Gabor | EncodingNetwork, Field(discriminator="backend")]
STAGES = {
    "motion": Motion,
    "denoise": Denoising,
    "extract": Extraction,
    "spikes": Spikes,
    "track": Tracking,
    "encode": Encoding,
}


class Recipe(Section):
    """One chain of methods from raw movie to spike rates; each value is a name from the section of that stage."""

    motion: Name = "phase"
    """Motion correction."""
    denoise: Name = "none"
    """Denoising."""
    extract: Name = "transients"
    """Source extraction; `oracle` measures the true footprints, of simulated sessions only."""
    spikes: Name = "network"
    """Spike inference."""


class Config(Section):
    """Everything that decides a result. Cores, memory and partitions live in `profiles/`."""

    sessions: Path = Path("config/sessions.tsv")
    """Sample sheet: one row per recording."""
    subjects: Path = Path("config/subjects.tsv")
    """Animals, for NWB: one row per subject."""
    results: Path = Path("results")
    """Where everything is written."""
    curation: Path = Path("curation")
    """Folder of what was decided by hand about ROIs, as the session page saves it."""
    keep: tuple[Literal["registered_movie", "clean_movie"], ...] = ()
    """Large files to keep: of every session the registered movie, of simulated ones the movie without noise."""
    recipes: dict[Name, Recipe] = Field(default={"default": Recipe()}, min_length=1)
    """The chains to run, by name; `null` drops one of an earlier config file."""
    motion: dict[Name, Motion] = {"phase": Phase(), "none": NoMotion(), "suite2p": Suite2pMotion()}
    """Motion correction methods, by name."""
    denoise: dict[Name, Denoising] = {"none": NoDenoising(), "network": NetworkDenoising()}
    """Denoising methods, by name."""
    extract: dict[Name, Extraction] = {"transients": Transients(), "suite2p": Suite2pExtraction()}
    """Source extraction methods, by name."""
    dff: DffParameters = DffParameters()
    """Neuropil correction, baseline and dF/F."""
    smoothing: SmoothingParameters = SmoothingParameters()
    """Denoised dF/F of a ROI and its credible band, in recipes that denoise."""
    astrocytes: EventParameters = EventParameters()
    """Events of astrocytes, of sessions with `preparation` astrocyte."""
    spikes: dict[Name, Spikes] = {"network": Network(), "oasis": Oasis()}
    """Spike inference methods, by name."""
    track: dict[Name, Tracking] = Field(default={"mixture": Mixture()}, min_length=1)
    """The same cells over sessions (column `field` of the sheet), by name; the first is part of the default run, all of
    `snakemake -- track`."""
    responses: ResponseParameters = ResponseParameters()
    """Responses to stimuli."""
    encode: dict[Name, Encoding] = {}
    """Encoding models, by name: each is fitted to every session with `stimuli` and `stimulus_images`."""
    encoding: EncodingParameters = EncodingParameters()
    """How they are judged, and the images that excite cells most."""
    report: ReportParameters = ReportParameters()
    """HTML reports."""
    microscopes: dict[str, Microscope] = {}
    """By the names that the sheet's column `microscope` uses; where there is one, sessions need not name it."""
    nwb: NwbParameters = NwbParameters()
    """NWB files (`snakemake -- nwb`)."""
    simulation: dict[Name, Simulation] = {}
    """Simulated recordings, by the name used in the sheet's column `simulate`."""
    ground_truth: dict[Name, GroundTruthSource] = {}
    """Recordings with known spikes, by name: what spike inference is trained on and measured against."""
    benchmark: BenchmarkParameters = BenchmarkParameters()
    """Scores of the spike inference methods on ground truth."""
    training: TrainingParameters = TrainingParameters()
    """Weights of the spike network from ground truth."""

    @field_validator("recipes", mode="before")
    @classmethod
    def _null_drops_a_recipe(cls, value: Any) -> Any:
        """Config files are joined key by key, so that a later one cannot leave out what an earlier one has."""
        return {name: own for name, own in value.items() if own is not None} if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _recipes_name_methods(self) -> "Config":
        for name, recipe in self.recipes.items():
            for stage in ("motion", "denoise", "extract", "spikes"):
                method = getattr(recipe, stage)
                known = getattr(self, stage)
                if method not in known and (stage, method) != ("extract", ORACLE):
                    raise ValueError(
                        f"recipes.{name}.{stage}: {method!r} is not defined under `{stage}`; "
                        f"defined are {', '.join(known)}{did_you_mean(method, known)}"
                    )
        return self

    @model_validator(mode="after")
    def _benchmark_names_methods(self) -> "Config":
        for field in ("backends", "no_sweeps"):
            for name in getattr(self.benchmark, field) or ():
                if name not in self.spikes:
                    raise ValueError(
                        f"benchmark.{field}: {name!r} is not defined under `spikes`; "
                        f"defined are {', '.join(self.spikes)}{did_you_mean(name, self.spikes)}"
                    )
        if ORACLE in self.extract:
            raise ValueError(f"extract.{ORACLE}: {ORACLE!r} stands for the true footprints; choose another name")
        if CLEAN in self.denoise:
            raise ValueError(f"denoise.{CLEAN}: {CLEAN!r} stands for the movie without noise; choose another name")
        for stage in ("motion", "denoise", "extract"):
            if GIVEN in getattr(self, stage):
                raise ValueError(f"{stage}.{GIVEN}: {GIVEN!r} stands for what a session brings; choose another name")
        for name in (MEAN, ORACLE):
            if name in self.encode:
                raise ValueError(f"encode.{name}: {name!r} stands for a control; choose another name")
        for name in (*CONTROLS, "controls"):
            if name in self.spikes:
                raise ValueError(f"spikes.{name}: {name!r} stands for controls of the benchmark; choose another name")
        return self

    def check_sessions(self, sessions: Mapping[str, Session]) -> None:
        """Raise InputError where a recipe needs a truth that a session of the sheet does not have."""
        recipe = next((name for name, recipe in self.recipes.items() if recipe.extract == ORACLE), None)
        real = next((key for key, session in sessions.items() if session.simulate is None), None)
        if recipe and real:
            raise InputError(
                f"recipes.{recipe}.extract: {ORACLE!r} needs true footprints, and {real} of {self.sessions} is a real "
                "recording; use another extraction, or a sheet of simulated sessions alone"
            )

        for key, session in sessions.items():
            name = session.microscope
            if name and self.microscopes and name not in self.microscopes:
                raise InputError(
                    f"{self.sessions}: {key}: microscope {name!r} is not under `microscopes` in the config; there are "
                    f"{', '.join(self.microscopes)}{did_you_mean(name, self.microscopes)}"
                )
        self._check_rois(sessions)
        used = {session.simulate for session in sessions.values()}
        for name, simulation in self.simulation.items():
            network = simulation.stimulus and simulation.stimulus.network
            if name in used and network and not network.is_file():
                raise InputError(
                    f"simulation.{name}.stimulus.network: {network.as_posix()!r} is no file; give that of the weights "
                    "(sensorium_sota_model.pth of the public repository sinzlab/sensorium), or leave out fitted and "
                    "network"
                )

    def microscope(self, session: Session) -> Microscope | None:
        """That of a session: the one it names, or the only one; None where the config does not describe it."""
        if session.microscope:
            return self.microscopes.get(session.microscope)
        return next(iter(self.microscopes.values())) if len(self.microscopes) == 1 else None

    def _check_rois(self, sessions: Mapping[str, Session]) -> None:
        """Raise InputError where a recipe needs given ROIs that are not there."""
        recipe = next((name for name, recipe in self.recipes.items() if self.measures_given(recipe.extract)), None)
        if recipe is None:
            return
        method = self.recipes[recipe].extract
        for key, session in sessions.items():
            if session.adopted:
                continue
            if session.rois is None:
                raise InputError(
                    f"{self.sessions}: {key} has no rois, and recipes.{recipe}.extract, {method!r} (backend masks), "
                    "measures given ROIs; fill the column rois, or keep sessions without ROIs in a sheet of their own"
                )
            for file in (given.path for given in session.roi_files()):
                if not file.exists() and not self.makes(file):
                    raise InputError(f"{self.sessions}: {key}: rois: {file.as_posix()!r} does not exist")

    def methods(self, recipe: str, session: Session) -> dict[str, str]:
        """Methods of a recipe by stage; GIVEN where the session brings the result of a stage along."""
        return self.recipes[recipe].model_dump() | dict.fromkeys(session.given, GIVEN)

    def measures_given(self, name: str) -> bool:
        """Whether that method of the stage `extract` measures the ROIs that the sheet gives."""
        return name in self.extract and self.extract[name].reads_rois

    def makes(self, file: Path) -> bool:
        """Whether a file lies among the results, so that the workflow makes it."""
        return file.resolve().is_relative_to(self.results.resolve())

    def denoises(self, name: str) -> bool:
        """Whether that method of the stage `denoise` makes a movie of its own."""
        return name not in (CLEAN, GIVEN) and not isinstance(self.denoise[name], NoDenoising)

    def backend(self, stage: str, name: str) -> Backend:
        """The method `name` of a stage; a movie that is registered already is not moved again."""
        return NoMotion() if (stage, name) == ("motion", GIVEN) else getattr(self, stage)[name]


def own_backends(stage: str) -> tuple[type[Backend], ...]:
    """groundtrace's own backends of a stage."""
    return get_args(get_args(STAGES[stage])[0])


@cache
def config_class() -> type[Config]:
    """Config; where other packages bring backends, with these among its methods."""
    brought = plugins.installed({stage: [_tag(kind) or "" for kind in own_backends(stage)] for stage in STAGES})
    fields: dict[str, Any] = {}
    for stage, kinds in brought.items():
        known = Config.model_fields[stage]
        method = Annotated[Union[(*own_backends(stage), *kinds)], Field(discriminator="backend")]
        fields[stage] = (dict[Name, method], Field(default=known.default, description=known.description))
    return create_model("Config", __base__=Config, __doc__=Config.__doc__, **fields) if fields else Config


def load(raw: Mapping[str, Any], source: str = "config") -> Config:
    """Validate a config as read from YAML; raise one InputError that lists every fault."""
    model = config_class()
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        faults = "\n".join(f"  {line}" for line in explain(error, model, source))
        raise InputError(f"{source} is not valid:\n{faults}\nAll keys: config/README.md") from None


def explain(error: ValidationError, model: type[Section], source: str) -> Iterator[str]:
    """One line per fault: field, value, what is allowed."""
    for fault in error.errors():
        steps, known = _walk(model, [str(step) for step in fault["loc"]])
        where = ".".join(steps) or source
        shown = repr(fault["input"])
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        message = fault["msg"][0].lower() + fault["msg"][1:]
        match fault["type"]:
            case "extra_forbidden":
                yield f"{where}: unknown key; known here: {', '.join(known)}{did_you_mean(steps[-1], known)}"
            case "value_error":
                message = fault["msg"].removeprefix("Value error, ")
                yield f"{where}: {message}" if fault["loc"] else message
            case "missing":
                yield f"{where}: missing, and it has no default"
            case "union_tag_not_found":
                yield f"{where}: needs the key `backend`, the method to run; see config/README.md"
            case "union_tag_invalid":
                tag, allowed = (fault.get("ctx", {}).get(key, "") for key in ("tag", "expected_tags"))
                nearest = did_you_mean(tag, re.findall(r"'([^']+)'", allowed))
                yield f"{where}.backend: {tag!r} is not allowed; allowed are {allowed}{nearest}"
            case _:
                yield f"{where}: {shown} is not allowed: {message}"


def _walk(model: type[Section], location: list[str]) -> tuple[list[str], list[str]]:
    """The keys of the file on the way to a fault, and the keys known where it ends.

    pydantic puts the tag of a union (the backend) into the location; it is not a key of the file.
    """
    sections: list[type[Section]] = [model]
    steps: list[str] = []
    for step in location:
        tagged = [section for section in sections if _tag(section) == step]
        if tagged and len(sections) > 1:
            sections = tagged
            continue
        steps.append(step)
        following = [
            found
            for section in sections
            if step in section.model_fields
            for found in _sections_in(section.model_fields[step].annotation)
        ]
        sections = following or sections
    return steps, sorted({key for section in sections for key in section.model_fields})


def _tag(section: type[Section]) -> str | None:
    backend = section.model_fields.get("backend")
    return backend.default if backend else None


def _sections_in(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _sections_in(part)]
