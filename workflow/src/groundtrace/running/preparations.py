"""What the sheet's column `preparation` asks of recipes."""

from collections.abc import Mapping

from groundtrace.config import ORACLE, Config
from groundtrace.sessions import Session


def told_unsuited(config: Config, sessions: Mapping[str, Session]) -> list[str]:
    """A line for each recipe that leaves the background of one-photon sessions where it is."""
    affected = [key for key, session in sessions.items() if session.preparation == "one_photon" and not session.adopted]
    if not affected:
        return []
    others = f" and {len(affected) - 1} more" if affected[1:] else ""
    return [
        f"preparation: {affected[0]}{others} is one_photon, and recipes.{name}.extract, {recipe.extract!r} (backend "
        f"{config.extract[recipe.extract].backend}), takes no light from out of focus away: few cells will be "
        "found, and their traces follow the background; use an extraction with backend: one_photon "
        "(docs/how-to.md, one-photon recordings)"
        for name, recipe in config.recipes.items()
        if recipe.extract != ORACLE and not config.extract[recipe.extract].takes_background
    ]
