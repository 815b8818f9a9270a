"""Files of what a person decided: which there are, for which results they hold, and whether they can be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundtrace.curation.file import CurationFile
from groundtrace.errors import InputError, did_you_mean
from groundtrace.running import layout

if TYPE_CHECKING:
    from groundtrace.config import Config
    from groundtrace.sessions import Session

Plane = tuple[str, int]
"""Key of a session, and plane."""
CHAIN = layout.METHODS[:3]
"""Methods that decide which ROIs there are: recipes that share them share the curation."""


@dataclass(frozen=True)
class Curations:
    """Curation files of a study."""

    config: "Config"
    sessions: "Mapping[str, Session]"
    files: Mapping[Plane, Mapping[str, CurationFile]]
    """By plane and recipe, of those that the sheet and the config have."""
    others: tuple[tuple[Path, str], ...]
    """Files that hold for nothing, and why."""

    @classmethod
    def of(cls, config: "Config", sessions: "Mapping[str, Session]") -> "Curations":
        """Those below the folder `curation` of the config."""
        files: dict[Plane, dict[str, CurationFile]] = {}
        others = []
        for path in sorted(config.curation.glob("*/*/plane-*/*.tsv")):
            session, plane = path.parents[1].relative_to(config.curation).as_posix(), path.parent.name[len("plane-") :]
            known = sessions.get(session)
            if known is None:
                others.append((path, f"the sheet has no session {session}{did_you_mean(session, sessions)}"))
            elif not plane.isdecimal() or int(plane) >= known.planes:
                others.append((path, f"{session} has {known.planes} plane(s), numbered from 0"))
            elif path.stem not in config.recipes:
                others.append((path, f"the config has no recipe {path.stem}{did_you_mean(path.stem, config.recipes)}"))
            else:
                file = CurationFile(path, session, int(plane), path.stem)
                files.setdefault((session, int(plane)), {})[path.stem] = file
        return cls(config, sessions, files, tuple(others))

    def of_chain(self, session: str, plane: int, chain: tuple[str, ...]) -> CurationFile | None:
        """The file for the ROIs that these methods find, named after a recipe that has them; None for none."""
        files = self.files.get((session, plane), {}).values()
        return next((file for file in files if self._chain(session, file.recipe) == chain), None)

    def path(self, session: str, plane: int, recipe: str) -> str:
        """Where the decisions of a page lie, or belong: recipes with the same ROIs share one file."""
        found = self.of_chain(session, plane, self._chain(session, recipe))
        return self.belonging(session, plane, found.recipe if found else recipe).as_posix()

    def belonging(self, session: str, plane: int, recipe: str) -> Path:
        """Path of a curation file, whether it is there or not."""
        return self.config.curation / layout.CURATION.format(session=session, plane=plane, recipe=recipe)

    def check(self) -> None:
        """Raise one InputError for all files that cannot be read, or do not fit the ROIs that there are."""
        faults = []
        for recipes in self.files.values():
            chains: dict[tuple[str, ...], CurationFile] = {}
            for file in recipes.values():
                first = chains.setdefault(self._chain(file.session, file.recipe), file)
                if first != file:
                    faults.append(
                        f"{file.path} and {first.path.name} beside it are about the same ROIs: their recipes differ "
                        "only after extraction; keep one of the two, it holds for both recipes"
                    )
                try:
                    self._check_numbers(file)
                except InputError as error:
                    faults.append(str(error))
        if faults:
            raise InputError("\n".join(faults))

    def unused(self) -> Iterator[str]:
        """A line for each file that holds for nothing."""
        return (f"{path}: is not used: {why}" for path, why in self.others)

    def _check_numbers(self, file: CurationFile) -> None:
        """ROIs that are known by their number alone must be there; before an extraction there is nothing to ask."""
        methods = self.config.methods(file.recipe, self.sessions[file.session])
        found = self.config.results / layout.FOUND.format(session=file.session, plane=file.plane, **methods)
        if any(one.outline is None for one in file.decisions) and found.exists():
            from groundtrace.curation.apply import matched
            from groundtrace.io import read_table

            matched(file.decisions, read_table(found, ["pixel_y", "pixel_x", "weight"]), str(file.path))

    def _chain(self, session: str, recipe: str) -> tuple[str, ...]:
        methods = self.config.methods(recipe, self.sessions[session])
        return tuple(methods[stage] for stage in CHAIN)
