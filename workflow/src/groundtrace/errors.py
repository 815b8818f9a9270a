"""What can go wrong, said to the person who can mend it."""


class GroundtraceError(Exception):
    """Base of every error that is the input's or the machine's fault, not the code's."""


class InputError(GroundtraceError):
    """A movie, a sample sheet or a config is not usable; the message names file, field, value and next step."""


class SchemaError(GroundtraceError):
    """A table does not hold what its declaration promises."""


class BackendError(GroundtraceError):
    """A backend could not process valid input."""
