"""What can go wrong, said to the person who can mend it."""

import difflib
from collections.abc import Iterable


def did_you_mean(wrong: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """`; did you mean 'a' or 'b'?`, with all names that are equally near, in any case; empty when none is near.

    likeness: from which a name is near (`difflib`).
    """
    names = {name.lower(): name for name in known}
    found = {
        near: difflib.SequenceMatcher(None, near, wrong.lower()).ratio()
        for near in difflib.get_close_matches(wrong.lower(), names, len(names) or 1, likeness)
    }
    best = [names[near] for near in found if found[near] == max(found.values())]
    return f"; did you mean {' or '.join(map(repr, sorted(best)))}?" if best else ""


class GroundtraceError(Exception):
    """Base of every error that is the input's or the machine's fault, not the code's."""


class InputError(GroundtraceError):
    """A movie, a sample sheet or a config is not usable; the message names file, field, value and next step."""


class SchemaError(GroundtraceError):
    """A table does not hold what its declaration promises."""


class BackendError(GroundtraceError):
    """A backend could not process valid input."""
