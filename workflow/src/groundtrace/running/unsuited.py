"""What the sheet asks for and no recipe does."""

from collections.abc import Mapping

from groundtrace.config import ORACLE, Config
from groundtrace.sessions import Session


def told_unsuited(config: Config, sessions: Mapping[str, Session]) -> list[str]:
    """Lines about ROIs that no recipe measures, and about recipes that leave the background of one-photon sessions."""
    return [*_unread(config, sessions), *_with_background(config, sessions)]


def _unread(config: Config, sessions: Mapping[str, Session]) -> list[str]:
    given = [key for key, session in sessions.items() if session.rois is not None]
    if not given or any(config.measures_given(recipe.extract) for recipe in config.recipes.values()):
        return []
    return [
        f"column rois: no recipe measures the ROIs that it gives for {_listed(given)}; use an extraction with "
        "backend: masks"
    ]


def _with_background(config: Config, sessions: Mapping[str, Session]) -> list[str]:
    affected = [key for key, session in sessions.items() if session.preparation == "one_photon" and not session.adopted]
    if not affected:
        return []
    return [
        f"preparation: {_listed(affected)} is one_photon, and recipes.{name}.extract, {recipe.extract!r} (backend "
        f"{config.extract[recipe.extract].backend}), takes no light from out of focus away: few cells will be "
        "found, and their traces follow the background; use an extraction with backend: one_photon "
        "(docs/how-to.md, one-photon recordings)"
        for name, recipe in config.recipes.items()
        if recipe.extract != ORACLE and not config.extract[recipe.extract].takes_background
    ]


def _listed(keys: list[str]) -> str:
    return f"{keys[0]} and {len(keys) - 1} more" if keys[1:] else keys[0]
