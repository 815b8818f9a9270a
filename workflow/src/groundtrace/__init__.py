"""groundtrace: two-photon movies to spike rates whose error is known.

spikes = groundtrace.infer_spikes(dff, frame_rate=30.0, indicator="GCaMP6f")
spikes = groundtrace.infer_spikes(groundtrace.load_traces("suite2p/plane0"), indicator="GCaMP6f")
study = groundtrace.open_study("results")
"""

from typing import Any

__version__ = "0.1.0"
_PUBLIC = {
    "infer_spikes": "groundtrace.infer",
    "load_traces": "groundtrace.loading",
    "open_study": "groundtrace.results",
}


def __getattr__(name: str) -> Any:
    """Public functions, imported when first used: `import groundtrace` itself stays cheap."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC]
