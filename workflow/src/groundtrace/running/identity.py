"""What decides the result of each rule, besides its input files: Snakemake compares it, and reruns what changed.

Values are plain: Snakemake stores them as text.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from groundtrace.adopted.formats import reader_of
from groundtrace.indicators import indicators, simulated
from groundtrace.movies.formats import module_of
from groundtrace.provenance import backend_hash, file_hash, source_hash
from groundtrace.report import pages
from groundtrace.running.of_job import OfJob, Wildcards, of_job
from groundtrace.running.plan import Plan
from groundtrace.section import Backend
from groundtrace.sessions import Session

Identity = dict[str, Any]


class Identities:
    """Called with the name of a rule: its identity, or a function of a job's wildcards that returns it."""

    def __init__(self, plan: Plan):
        self.plan, self.config = plan, plan.config

    def __call__(self, rule: str) -> Identity | OfJob:
        own: Callable[[str], Identity | OfJob] = getattr(self, f"_{rule}", self._code_alone)
        return own(rule)

    def code(self, rule: str, *backends: Backend, modules: Iterable[str] = ()) -> str | None:
        """Hashes of a rule's script with modules, of backends, and of all that they use of the package."""
        if not self.plan.hashes:
            return None
        own = source_hash(str(self.plan.scripts / f"{rule}.py"), *modules)
        return " ".join([own, *(backend_hash(type(backend)) for backend in backends)])

    def _code_alone(self, rule: str) -> Identity:
        return {"code": self.code(rule)}

    # From raw movie to spikes.

    def _ingest(self, rule: str) -> OfJob:
        """Identity of ingest: of the readers, those of the session's formats count; where a file lies does not."""
        return self.plan.of_session(
            lambda session: {
                "session": session.reading(),
                "exclude": file_hash(Path(session.exclude)) if session.exclude else None,
                "code": self.code(rule, modules=map(module_of, session.formats())),
            }
        )

    _ingest_motion_channel = _ingest

    def _adopt(self, rule: str) -> OfJob:
        return self.plan.of_session(
            lambda session: {
                "session": session.reading(),
                "code": self.code(rule, modules=[reader_of(session.format or "")]),
            }
        )

    _adopt_units = _adopt

    def _simulate(self, rule: str) -> OfJob:
        def of(session: Session) -> Identity:
            own = self.plan.simulation(session.key)
            network = own.stimulus and own.stimulus.network
            return {
                # Where a network lies does not change what is in it.
                "parameters": own.model_dump(mode="json", exclude={"stimulus": {"network"}}),
                **({"network": file_hash(network)} if network else {}),
                "session": {
                    "key": session.key,
                    **session.reading(),
                    **({"field": session.field} if session.field else {}),
                },
                "indicator": simulated(session.indicator).model_dump(),
                "code": self.code(rule),
            }

        return self.plan.of_session(of)

    _clean_movie = _simulated_z_stack = _simulate

    def _method(self, rule: str, stage: str = "") -> OfJob:
        def of(backend: Backend) -> Identity:
            return {
                "parameters": backend.model_dump(mode="json"),
                "code": self.code(rule, backend),
                "files": [file_hash(path) for path in backend.files()],
            }

        return self.plan.of_method(stage or rule, of)

    _denoise = _spikes = _method

    def _motion(self, rule: str) -> OfJob:
        of_method = self._method(rule)
        return of_job(lambda wildcards: of_method(wildcards) | self._z_stack(wildcards))

    def _z_stack(self, wildcards: Wildcards) -> Identity:
        """Content of the z-stack of a session, where there is one; a simulated one is an input."""
        file = self.plan.z_stack(wildcards)
        given = file.path and not self.plan.simulates_stack(wildcards.session)
        return {"z_stack": [file_hash(Path(file.path)), file.step]} if given else {}

    def _extract(self, rule: str) -> OfJob:
        of_method = self._method(rule)
        return of_job(
            lambda wildcards: of_method(wildcards) | self._indicator(rule, wildcards) | self._given_rois(wildcards)
        )

    def _given_rois(self, wildcards: Wildcards) -> Identity:
        """Content of the file of ROIs, where a job measures given ones; those of this study are inputs."""
        file = self.plan.given_rois(wildcards)
        return {} if file is None or self.config.makes(file.path) else {"rois": file_hash(file.path)}

    def _indicator(self, rule: str, wildcards: Wildcards) -> Identity:
        """Kinetics, where a job uses them."""
        return {"indicator": self.plan.indicator(wildcards)} if self.plan.tells(rule, wildcards) else {}

    def _dff(self, rule: str) -> OfJob:
        found = {
            denoised: {
                "parameters": self.config.dff.model_dump(),
                "smoothing": self.config.smoothing.model_dump() if denoised else None,
                "code": self.code(rule),
            }
            for denoised in (False, True)
        }
        return of_job(
            lambda wildcards: (
                found[self.config.denoises(wildcards.denoise)]
                | self._indicator(rule, wildcards)
                | self._curation(wildcards)
            )
        )

    def _curation(self, wildcards: Wildcards) -> Identity:
        """Content of the file of what a person decided, where there is one."""
        file = self.plan.curation(wildcards)
        return {"curation": file.digest} if file else {}

    def _astrocytes(self, rule: str) -> Identity:
        return {"parameters": self.config.astrocytes.model_dump(), "code": self.code(rule)}

    # The same cells over sessions.

    def _tracks(self, rule: str) -> OfJob:
        def of(backend: Backend) -> Identity:
            return {"parameters": backend.model_dump(mode="json"), "code": self.code(rule, backend)}

        return self.plan.of_method("track", of)

    # Responses to stimuli.

    def _presentations(self, rule: str) -> OfJob:
        """Identity of presentations: where the file of stimuli lies does not count; one that is made is an input."""
        made = self.plan.makes_stimuli
        return self.plan.of_session(
            lambda session: {
                "stimuli": file_hash(Path(session.stimuli)) if session.stimuli and not made(session) else None,
                "conditions": self.config.responses.model_dump(mode="json")["conditions"],
                "code": self.code(rule),
            }
        )

    def _responses(self, rule: str) -> Identity:
        return {"parameters": self.config.responses.model_dump(mode="json"), "code": self.code(rule)}

    def _stimulus_images(self, rule: str) -> OfJob:
        """Where images lie does not count; of those that this study makes, the file is an input."""
        makes = self.config.makes

        def of(session: Session) -> Identity:
            path = session.stimulus_images and Path(session.stimulus_images)
            if path and path.is_dir():
                # Names of files are ids of images.
                return {
                    "images": {file.name: file_hash(file) for file in sorted(path.iterdir())},
                    "code": self.code(rule),
                }
            return {"images": file_hash(path) if path and not makes(path) else None, "code": self.code(rule)}

        return self.plan.of_session(of)

    def _encoding_model(self, rule: str) -> OfJob:
        of_method = self._method(rule, "encode")
        folds = self.config.encoding.model_dump(mode="json", include={"folds", "seed"})
        return of_job(lambda wildcards: of_method(wildcards) | {"folds": folds})

    def _encoding(self, rule: str) -> Identity:
        """Which models there are is told by its inputs."""
        return {"parameters": self.config.encoding.model_dump(mode="json"), "code": self.code(rule)}

    # Exports.

    def _nwb_file(self, rule: str) -> OfJob:
        code = self.code(rule)
        return of_job(lambda wildcards: {"metadata": self.plan.metadata(wildcards).plain(), "code": code})

    def _suite2p_folder(self, rule: str) -> OfJob:
        code = self.code(rule)
        return of_job(lambda wildcards: {"indicator": self.plan.indicator(wildcards), "code": code})

    # Pages.

    def _page(self, rule: str, page: str) -> Identity:
        """How a page looks, section by section."""
        return {"code": self.code(rule), "page": pages.identity(page) if self.plan.hashes else None}

    def _session_report(self, rule: str) -> OfJob:
        common = {"parameters": self.config.report.model_dump(), **self._page(rule, "session")}
        of_units = self._page(rule, "units")

        def of(session: Session) -> Identity:
            microscope = self.config.microscope(session)
            return of_units if session.from_units else common | {"microscope": microscope and microscope.optics()}

        return self.plan.of_session(of)

    def _tracks_page(self, rule: str) -> Identity:
        return self._page(rule, "tracks")

    def _encoding_report(self, rule: str) -> Identity:
        return self._page(rule, "encoding")

    def _study(self, rule: str) -> Identity:
        labels = {key: session.labels for key, session in self.plan.sessions.items() if session.labels}
        return {"labels": labels, **self._page(rule, "study")}

    def _realism(self, rule: str) -> Identity:
        return self._page(rule, "realism")

    def _suggest(self, rule: str) -> Identity:
        return {
            "parameters": self.config.benchmark.model_dump(mode="json", include={"bootstrap", "seed"}),
            "indicators": _all_indicators(),
            **self._page(rule, "suggest"),
        }

    # Ground truth and training.

    def _ground_truth(self, rule: str) -> Identity:
        # Where a file lies does not change what is in it.
        sources = {
            name: source.model_dump(mode="json", exclude=None if source.is_url else {"source"})
            for name, source in self.config.ground_truth.items()
        }
        return {"sources": sources, "code": self.code(rule)}

    def _train(self, rule: str) -> Identity:
        return {"parameters": self.config.training.model_dump(mode="json"), "code": self.code(rule)}

    _train_network = _assess_network = _train

    def _training_examples(self, rule: str) -> Identity:
        parameters = self.config.training.model_dump(mode="json", include={"seed", "rounds", "lookaheads", "exclude"})
        return {"parameters": parameters, "indicators": _all_indicators(), "code": self.code(rule)}

    # Benchmarks.

    def _benchmark_spikes(self, rule: str) -> OfJob:
        """Which others are scored, and how often intervals are drawn, is not of it."""
        common = self.config.benchmark.model_dump(
            mode="json", exclude={"backends", "bootstrap", "recordings", "tables"}
        )

        def of(wildcards: Wildcards) -> Identity:
            backend = self.plan.scored_method(wildcards)
            return {
                "parameters": common | {"method": backend and backend.model_dump(mode="json")},
                "files": [file_hash(path) for path in backend.files()] if backend else [],
                "indicators": _all_indicators(),
                "code": self.code(rule, *([backend] if backend else [])),
            }

        return of_job(of)

    _benchmark_population = _benchmark_spikes

    def _benchmark_report(self, rule: str) -> Identity:
        parameters = self.config.benchmark.model_dump(mode="json", exclude={"recordings", "tables"})
        return {"parameters": parameters, **self._page(rule, "benchmark")}

    def _benchmark_recordings_report(self, rule: str) -> Identity:
        parameters = self.config.benchmark.model_dump(mode="json", include={"recordings", "bootstrap", "seed"})
        return {"parameters": parameters, **self._page(rule, "recordings")}

    def _scores(self, rule: str) -> OfJob:
        """Identity of the scores of a simulated plane."""
        parameters = self.config.benchmark.recordings.model_dump(mode="json")

        def of(session: Session) -> Identity:
            simulation = self.plan.simulation(session.key)
            return {
                "parameters": parameters,
                "simulation": simulation.model_dump(mode="json", include={"photons", "density"}),
                "code": self.code(rule),
            }

        return self.plan.of_session(of)

    _oracle = _benchmark_motion = _benchmark_recipe = _scores

    def _benchmark_responses(self, rule: str) -> Identity:
        return {
            "parameters": self.config.benchmark.recordings.model_dump(mode="json", include={"detectability"}),
            "responses": self.config.responses.model_dump(mode="json", include={"latency", "duration", "coverage"}),
            "models": {name: model.model_dump(mode="json") for name, model in self.config.encode.items()},
            "encoding": self.config.encoding.model_dump(mode="json"),
            "code": self.code(rule, *self.config.encode.values()),
        }

    def _benchmark_denoising(self, rule: str) -> OfJob:
        backend, parts = self.plan.scored_spikes, {"photons", "density", "null_movie"}
        parameters = {
            "recordings": self.config.benchmark.recordings.model_dump(mode="json"),
            "dff": self.config.dff.model_dump(mode="json"),
            "spikes": backend.model_dump(mode="json", exclude={"model"}),
        }

        def of(session: Session) -> Identity:
            return {
                "parameters": parameters,
                "simulation": self.plan.simulation(session.key).model_dump(mode="json", include=parts),
                "indicator": simulated(session.indicator).model_dump(),
                "files": [file_hash(path) for path in backend.files()],
                "code": self.code(rule, backend),
            }

        return self.plan.of_session(of)


def _all_indicators() -> Identity:
    return {name: indicator.model_dump() for name, indicator in indicators().items()}
