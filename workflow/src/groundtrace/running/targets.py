"""What the benchmark, `suggest`, `realism` and exports are made of."""

import os
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from groundtrace.errors import InputError
from groundtrace.export.metadata import nwb_name
from groundtrace.running import layout
from groundtrace.running.of_job import OfEachJob, Wildcards
from groundtrace.running.plan import Plan
from groundtrace.sessions import Session


class Targets:
    """Targets of a plan."""

    def __init__(self, plan: Plan):
        self.plan, self.config, self.scores = plan, plan.config, plan.scores

    @OfEachJob
    def pages(self, wildcards: Wildcards) -> list[str]:
        """What `snakemake benchmark` makes: spikes on ground truth, recordings where sessions are simulated."""
        pages = [f"{self.plan.benchmark}/report.html"] if self.config.ground_truth else []
        pages += [f"{self.plan.benchmark}/recordings.html"] if self.plan.simulated else []
        pages += [f"{self.plan.benchmark}/tracking.parquet"] if self.fields_to_score() else []
        if not pages:
            raise InputError(
                "benchmark: nothing has a known truth; name recordings under `ground_truth` in the config, or add "
                f"simulated sessions to {self.config.sessions} (column `simulate`, parameters under `simulation` "
                "in the config)"
            )
        return pages

    def shards(self, suffix: str) -> list[str]:
        """Scores of every spike backend on every shard of the data sets, and on a simulated population."""
        names = [str(shard) for shard in range(self.config.benchmark.parts)]
        names += ["population"] if suffix == "parquet" else []
        folder = f"{self.plan.benchmark}/parts"
        return [f"{folder}/{scored}-{name}.{suffix}" for scored in self.plan.scored for name in names]

    def scored_motion(self, key: str) -> list[str]:
        """Motion corrections scored on a simulated session: all; where nothing moves, those of recipes."""
        used = {recipe.motion for recipe in self.config.recipes.values()}
        return [name for name in self.config.motion if name in used or not self.plan.simulation(key).still]

    def motion_scores(self) -> list[str]:
        """Scores of motion corrections on every simulated plane."""
        return [
            f"{self.scores}/motion-{{motion}}.parquet".format(session=key, plane=plane, motion=motion)
            for key, plane in self.plan.planes(self.plan.simulated)
            for motion in self.scored_motion(key)
        ]

    def denoising_scores(self, file: str = "scores.parquet") -> list[str]:
        """Scores of every denoising, and of the movie as it was recorded, on simulated planes in which nothing moves.

        Only there, without motion correction, pixels of the movie without noise are those of the registered one.
        """
        config = self.config
        recipes = [recipe for recipe in config.recipes.values() if config.motion[recipe.motion].backend == "none"]
        pairs = dict.fromkeys((recipe.motion, recipe.denoise) for recipe in recipes if config.denoises(recipe.denoise))
        control = next((name for name in config.denoise if not config.denoises(name)), None)
        controls = dict.fromkeys((motion, control) for motion, _ in pairs if control)
        still = {key: session for key, session in self.plan.simulated.items() if self.plan.simulation(key).still}
        return [
            f"{self.scores}/denoise-{{motion}}-{{denoise}}/{file}".format(
                session=key, plane=plane, motion=motion, denoise=denoise
            )
            for key, plane in self.plan.planes(still)
            for motion, denoise in [*controls, *pairs]
        ]

    def recipe_scores(self, table: str) -> list[str]:
        """One of the tables of scores of every recipe on every simulated plane."""
        return [
            f"{self.scores}/recipe-{{recipe}}/{table}.parquet".format(session=key, plane=plane, recipe=recipe)
            for key, plane in self.plan.planes(self.plan.simulated)
            for recipe in self.config.recipes
        ]

    def response_scores(self, table: str) -> list[str]:
        """Scores of the responses of every recipe, or of encoding models, on simulated planes with a stimulus."""
        shown = {key: session for key, session in self.plan.simulated.items() if self.plan.makes_stimuli(session)}
        return [
            f"{self.scores}/recipe-{{recipe}}/{table}.parquet".format(session=key, plane=plane, recipe=recipe)
            for key, plane in self.plan.planes(shown)
            for recipe in self.config.recipes
        ]

    def timed_jobs(self) -> list[dict[str, Any]]:
        """Jobs on simulated sessions whose costs the benchmark compares, and the files with their timings."""
        return [job for key in self.plan.simulated for job in self._timed(key)]

    def _timed(self, key: str) -> Iterator[dict[str, Any]]:
        session, simulation = self.plan.sessions[key], self.plan.simulation(key)
        pixels = simulation.height * simulation.width

        def job(stage: str, name: str | None, step: str, plane: int | None, **methods: str) -> dict[str, Any]:
            frames = simulation.frames * (session.planes if plane is None else 1)
            file = self.plan.timing(step).format(session=key, plane=plane, **methods)
            what = {"stage": stage, "name": name, "session": key, "plane": plane, "file": file}
            return what | {"frames": frames, "pixels": pixels}

        yield job("simulate", session.simulate, "{session}/simulate", None)
        recipes = [recipe.model_dump() for recipe in self.config.recipes.values()]
        for plane in range(session.planes):
            for name in self.scored_motion(key):
                yield job("motion", name, layout.log_of("motion"), plane, motion=name)
            # Recipes that share a job share its costs.
            for chain in {(recipe["motion"], recipe["denoise"]): recipe for recipe in recipes}.values():
                if self.config.denoises(chain["denoise"]):
                    yield job("denoise", chain["denoise"], layout.log_of("denoise"), plane, **chain)
            chains = {(recipe["motion"], recipe["denoise"], recipe["extract"]): recipe for recipe in recipes}
            for chain in chains.values():
                if chain["extract"] in self.config.extract:
                    yield job("extract", chain["extract"], layout.log_of("extract"), plane, **chain)

    @cached_property
    def exported(self) -> dict[str, Session]:
        """Sessions that other programs can be given; sorted spikes came from one, and are left out with a word."""
        sorted_spikes = [key for key, session in self.plan.sessions.items() if session.from_units]
        if sorted_spikes:
            more = f" and {len(sorted_spikes) - 1} more" if sorted_spikes[1:] else ""
            said = f"{self.config.sessions}: {sorted_spikes[0]}{more}: sorted spikes are not exported"
            if len(sorted_spikes) == len(self.plan.sessions):
                raise InputError(f"{said}, and there is no other session; export sessions with a movie or with traces")
            print(f"warning: {said}; their own file has them", file=sys.stderr)
        return {key: session for key, session in self.plan.sessions.items() if not session.from_units}

    @OfEachJob
    def nwb(self, wildcards: Wildcards) -> list[str]:
        """A file for every session, by the first recipe; what the sheets lack is said before anything is made."""
        self.plan.sheets.check(list(self.exported.values()))
        pattern, recipe = self.plan.at(layout.NWB), next(iter(self.config.recipes))
        names = map(nwb_name, self.exported.values())
        return [pattern.format(recipe=recipe, animal=name.split("_")[0], recording=name) for name in names]

    @OfEachJob
    def suite2p(self, wildcards: Wildcards) -> list[str]:
        """A folder for every plane of every session, by the first recipe."""
        pattern, recipe = self.plan.at(f"{layout.SUITE2P}/stat.npy"), next(iter(self.config.recipes))
        return [
            pattern.format(recipe=recipe, session=key, plane=plane) for key, plane in self.plan.planes(self.exported)
        ]

    @OfEachJob
    def tracks(self, wildcards: Wildcards) -> list[str]:
        """What `snakemake -- track` makes: the page of every field, recipe and method."""
        if not self.plan.fields:
            raise InputError(
                f"track: no subject of {self.config.sessions} has two sessions of one field; fill the column field "
                "alike in the rows that show the same tissue"
            )
        return [
            self.plan.at(f"{layout.TRACKED}/tracks.html").format(
                subject=subject, field=field, plane=plane, recipe=recipe, track=method
            )
            for subject, field, plane in self.plan.fields
            for recipe in self.config.recipes
            for method in self.config.track
        ]

    def fields_to_score(self) -> list[dict[str, Any]]:
        """Tracks of simulated fields by every recipe and method: names, and the files that they are scored by."""
        found = []
        for (subject, field, plane), keys in self.plan.fields.items():
            if not all(key in self.plan.simulated for key in keys):
                continue
            truth = [self.plan.at("{session}/truth/cells.parquet").format(session=key) for key in keys]
            for recipe in self.config.recipes:
                scored = f"{self.scores}/recipe-{recipe}/cells.parquet"
                for method in self.config.track:
                    names = {"subject": subject, "field": field, "plane": plane, "recipe": recipe, "track": method}
                    folder = self.plan.at(layout.TRACKED).format(**names)
                    found.append(
                        {
                            "names": names,
                            "tracks": f"{folder}/tracks.parquet",
                            "pairs": f"{folder}/pairs.parquet",
                            "truth": truth,
                            "scored": [scored.format(session=key, plane=plane) for key in keys],
                        }
                    )
        return found

    def scored_tracks(self) -> list[str]:
        """Files that tracks are scored by."""
        files = [[own["tracks"], own["pairs"], *own["truth"], *own["scored"]] for own in self.fields_to_score()]
        return list(dict.fromkeys(path for some in files for path in some))

    def table(self, name: str) -> str:
        """Table of the benchmark on simulated sessions: of this run, or of one made elsewhere."""
        folder = self.config.benchmark.tables
        return f"{folder.as_posix() if folder else self.plan.benchmark}/{name}"

    def results_so_far(self) -> list[dict[str, Any]]:
        """Every plane of a real session that some recipe has been run on, as plain values."""
        recordings = []
        real = {
            key: session
            for key, session in self.plan.sessions.items()
            if session.simulate is None and not session.adopted
        }
        for key, plane in self.plan.planes(real):
            where = {"session": key, "plane": plane}
            methods = [self.plan.methods_of(key, recipe) for recipe in self.config.recipes]
            found = {
                (own["motion"], own["denoise"], own["extract"]): {
                    "motion_method": own["motion"],
                    "shifts": self.plan.at(f"{layout.MOTION}/shifts.parquet").format(**where, **own),
                    "quality": self.plan.at(f"{layout.MOTION}/quality.parquet").format(**where, **own),
                    "traces": self.plan.at(f"{layout.EXTRACT}/traces.parquet").format(**where, **own),
                }
                for own in methods
            }
            chains = [chain for chain in found.values() if os.path.exists(chain["traces"])]
            if chains:
                names = {"acquisition": "acquisition.json", "raw_quality": "raw_quality.parquet"}
                folder = self.plan.at(layout.PLANE).format(**where)
                files = {name: f"{folder}/{file}" for name, file in names.items()}
                recordings.append({**where, "indicator": real[key].indicator, **files, "chains": chains})
        return recordings

    @OfEachJob
    def files_of_recordings(self, wildcards: Wildcards) -> list[str]:
        """What `suggest` reads of real sessions."""
        sheet = self.config.sessions
        if not self.config.benchmark.tables and not self.plan.simulated:
            raise InputError(
                f"suggest: there is no benchmark to go by; add simulated sessions to {sheet} (column `simulate`), "
                "or name the folder of a benchmark under `benchmark.tables` in the config"
            )
        recordings = self.results_so_far()
        if not recordings:
            raise InputError(f"suggest: no real session of {sheet} has results yet; run `snakemake` first")
        return [
            path
            for recording in recordings
            for path in (
                recording["acquisition"],
                recording["raw_quality"],
                *(chain[name] for chain in recording["chains"] for name in ("shifts", "quality", "traces")),
            )
        ]

    @OfEachJob
    def realism_of_planes(self, wildcards: Wildcards) -> list[str]:
        """The statistics of every plane, by the first recipe; there must be both real and simulated ones."""
        seen = {key: session for key, session in self.plan.sessions.items() if not session.adopted}
        kinds = {session.simulate is not None for session in seen.values()}
        if kinds != {True, False}:
            missing = "either" if not kinds else "the real ones" if True in kinds else "the simulated ones"
            raise InputError(
                f"{self.config.sessions}: realism compares simulated with real recordings, and there is none of "
                f"{missing}; add a row with `path` or with `simulate`"
            )
        pattern = self.plan.at(f"{layout.PLANE}/realism-{{recipe}}.parquet")
        recipe = next(iter(self.config.recipes))
        return [pattern.format(session=key, plane=plane, recipe=recipe) for key, plane in self.plan.planes(seen)]
