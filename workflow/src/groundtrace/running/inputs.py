"""Input functions of the rules, from the raw movie to the page."""

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from groundtrace.config import CLEAN
from groundtrace.errors import InputError
from groundtrace.report import pages
from groundtrace.running import layout, raw_files
from groundtrace.running.internals import recorded_as
from groundtrace.running.of_job import OfEachJob, OfJob, Wildcards, of_job
from groundtrace.running.plan import Plan


class Inputs:
    """Inputs of the jobs of a plan."""

    def __init__(self, plan: Plan):
        self.plan, self.config = plan, plan.config

    def of_recipe(self, **patterns: str) -> OfJob:
        """Paths by name, with the methods of the wildcard `recipe` filled in."""

        def files(wildcards: Wildcards) -> dict[str, str]:
            methods = self.plan.methods_of(wildcards.session, wildcards.recipe)
            where = {"session": wildcards.session, "plane": wildcards.plane, **methods}
            return {name: pattern.format(**where) for name, pattern in patterns.items()}

        return of_job(files)

    @OfEachJob
    def session_page(self, wildcards: Wildcards) -> dict[str, str]:
        """What the sections of a page need of a plane; of denoising and of stimuli only where there are some."""
        session = self.plan.sessions[wildcards.session]
        methods = self.plan.methods_of(wildcards.session, wildcards.recipe)
        lacking = () if self.config.denoises(methods["denoise"]) else layout.DENOISED
        lacking += () if session.stimuli else layout.STIMULATED
        lacking += () if session.shows_events else layout.ASTROCYTES
        where = {"session": wildcards.session, "plane": wildcards.plane, "recipe": wildcards.recipe, **methods}
        files = self.units_files if session.from_units else self.page_files
        return {name: path.format(**where) for name, path in files.items() if name not in lacking}

    @OfEachJob
    def nwb(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """Files of all planes of a session by their names; with the registered movies, if they are wanted."""
        session = self.plan.recordings.get(wildcards.recording)
        if session is None:
            raise InputError(
                f"{wildcards.recording}: no session of {self.config.sessions} has an NWB file of that name"
            )
        wanted = {name: layout.FILES[name] for name in layout.EXPORTED}
        if self.config.nwb.registered_movie and not session.adopted:
            wanted["movies"] = f"{layout.MOTION}/movie.npy"
        methods = self.plan.methods_of(session.key, wildcards.recipe)
        where = [{"session": session.key, "plane": plane, **methods} for plane in range(session.planes)]
        return {name: [self.plan.at(path).format(**plane) for plane in where] for name, path in wanted.items()}

    @cached_property
    def page_files(self) -> dict[str, str]:
        return {name: self.plan.at(path) for name, path in pages.needs("session").items()}

    @cached_property
    def units_files(self) -> dict[str, str]:
        return {name: self.plan.at(path) for name, path in pages.needs("units").items()}

    @cached_property
    def page_sections(self) -> list[str]:
        return [section.name for section in pages.sections("session")]

    def of_field(self, *names: str) -> OfJob:
        """Files of all sessions of a field by their names in `layout.FILES`, sessions in the order of time."""

        return of_job(lambda wildcards: self.field_files(wildcards, names))

    def field_files(self, wildcards: Wildcards, names: Iterable[str]) -> dict[str, list[str]]:
        """The same for the wildcards of one field."""
        where = (wildcards.subject, wildcards.field, int(wildcards.plane))
        if where not in self.plan.fields:
            raise InputError(
                f"{self.config.sessions}: {wildcards.subject} has no two sessions of the field {wildcards.field!r} "
                f"with plane {wildcards.plane}; fill the column field alike in the rows that show the same tissue"
            )
        rows = [
            {"session": key, "plane": wildcards.plane, **self.plan.methods_of(key, wildcards.recipe)}
            for key in self.plan.fields[where]
        ]
        return {name: [self.plan.at(layout.FILES[name]).format(**row) for row in rows] for name in names}

    def tracks(self) -> list[str]:
        """Of every field, by the first method: the study counts tracked cells."""
        made = dict.fromkeys(entry.tracks for entry in self.plan.study.rows if entry.tracks and entry.can_be_made)
        return [path.as_posix() for path in made if path]

    @OfEachJob
    def raw_files(self, wildcards: Wildcards) -> list[Any]:
        """A raw file that was touched, copied or moved, and not changed, does not count as new.

        Snakemake's own check of contents would read every movie after each of its jobs. Of a result of another pipeline
        every file is named: a folder has no time of its own that tells of a change.
        """
        session = self.plan.sessions[wildcards.session]
        if session.simulate is not None:
            return [self.plan.at("{session}/truth/movie.tif").format(session=session.key)]
        if session.key in self.plan.missing:
            return []  # the job says what is missing
        files = session.files()
        made = self.plan.at(f"{layout.PLANE}/acquisition.json").format(session=session.key, plane=wildcards.plane)
        known = raw_files.as_read(session, files, Path(made))
        named = [
            (part, read and (Path(read) / part.relative_to(file)).as_posix())
            for file, read in zip(files, known, strict=True)
            for part in (session.files_behind(file) if session.adopted else (file,))
        ]
        return [recorded_as(part.as_posix(), read) if read else part.as_posix() for part, read in named]

    @OfEachJob
    def motion_channel(self, wildcards: Wildcards) -> str | list[str]:
        """The movie on which motion is estimated, when it is not the one that is moved."""
        if not self.plan.sessions[wildcards.session].other_channel:
            return []
        return self.plan.at(f"{layout.PLANE}/motion_channel.npy").format(**wildcards)

    @OfEachJob
    def simulated_z_stack(self, wildcards: Wildcards) -> str | list[str]:
        """That of a simulated recording; of others what is in it decides, not its time."""
        if not self.plan.simulates_stack(wildcards.session):
            return []
        return self.plan.at("{session}/truth/z_stack.tif").format(session=wildcards.session)

    @OfEachJob
    def movies_to_extract(self, wildcards: Wildcards) -> dict[str, str]:
        """The registered movie; or the denoised one, and beside it the one that was measured, with its noise.

        What is not denoised is not copied. As a control, the movie without noise.
        """
        if wildcards.denoise == CLEAN:
            return {"movie": self.plan.at("{session}/truth/clean.npy").format(session=wildcards.session)}
        registered = self.plan.at(f"{layout.MOTION}/movie.npy").format(**wildcards)
        if not self.config.denoises(wildcards.denoise):
            return {"movie": registered}
        denoised, noise = (
            self.plan.at(f"{layout.DENOISE}/{name}").format(**wildcards) for name in ("movie.npy", "noise.npz")
        )
        return {"movie": denoised, "measured": registered, "noise": noise}

    @OfEachJob
    def stimuli(self, wildcards: Wildcards) -> list[str]:
        """Stimuli that a simulation makes. A file of the user's is no input: what is in it decides, not its time."""
        session = self.plan.sessions[wildcards.session]
        return [session.stimuli] if session.stimuli and self.plan.makes_stimuli(session) else []

    @OfEachJob
    def given_rois(self, wildcards: Wildcards) -> list[str]:
        """ROIs of another session or recipe of this study: they are made first, with the image that they lie on."""
        file = self.plan.given_rois(wildcards)
        if file is None or not self.config.makes(file.path):
            return []
        inside = Path(os.path.relpath(file.path.resolve(), self.config.results.resolve()))
        made = Path(self.plan.results) / inside
        return [made.as_posix(), made.with_name("extraction_images.npz").as_posix()]

    @OfEachJob
    def movie_to_score(self, wildcards: Wildcards) -> str:
        return self.movies_to_extract(wildcards)["movie"]

    @OfEachJob
    def ground_truth(self, wildcards: Wildcards) -> list[str]:
        """Files of recordings with known spikes; those from the web are known by their hash."""
        local = [source for source in self.config.ground_truth.values() if not source.is_url]
        return [path.as_posix() for source in local for path in source.files()]

    @OfEachJob
    def stimulus_images(self, wildcards: Wildcards) -> list[str]:
        """Images that this study makes. Of a file of the user's, what is in it decides, not its time."""
        images = self.plan.sessions[wildcards.session].stimulus_images
        return [images] if images and self.config.makes(Path(images)) else []

    @OfEachJob
    def encoders(self, wildcards: Wildcards) -> list[str]:
        """Every encoding model of a plane, in the order of the config."""
        return [self.plan.at(layout.ENCODER).format(**wildcards, encode=name) for name in self.config.encode]

    def encoding_page(self) -> OfJob:
        """Files of the page of encoding models."""
        return self.of_recipe(**{name: self.plan.at(path) for name, path in pages.needs("encoding").items()})

    def encoding_pages(self) -> list[str]:
        """Pages of encoding models, of sessions whose images are there."""
        return [entry.encoding_page.as_posix() for entry in self.plan.study.rows if entry.encoded and entry.can_be_made]

    @OfEachJob
    def encode(self, wildcards: Wildcards) -> list[str]:
        """What `snakemake -- encode` makes."""
        if found := self.encoding_pages():
            return found
        lacking = "no session of the sheet has stimulus_images; fill the columns stimuli and stimulus_images"
        if not self.config.encode:
            lacking = "the config has no models; name some, such as `encode: {network: {backend: network}}`"
        raise InputError(f"encode: {lacking}")

    def session_pages(self) -> list[str]:
        """They depend on everything else."""
        own = [entry.file("report").as_posix() for entry in self.plan.study.rows if entry.can_be_made]
        return own + self.encoding_pages()

    @OfEachJob
    def study_page(self, wildcards: Wildcards) -> list[str]:
        """What `snakemake` makes when no target is named; `train` and `benchmark` need no session."""
        if not self.plan.sessions:
            raise InputError(
                f"{self.config.sessions}: no session in it; write one row per recording, or try `make demo`"
            )
        page, table = self.plan.at("index.html"), self.plan.at("study.parquet")
        tracks = [path.replace("tracks.parquet", "tracks.html") for path in self.tracks()]
        # Snakemake misses only what is asked for: the table after an error, and a page that was deleted.
        complete = os.path.exists(table) and not self.plan.batched
        return [page, table, *tracks, *(lost for lost in self.session_pages() if complete and not os.path.exists(lost))]
