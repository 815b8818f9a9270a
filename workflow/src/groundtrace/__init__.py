"""groundtrace: two-photon movies to spike rates whose error is known."""

__version__ = "0.1.0"
