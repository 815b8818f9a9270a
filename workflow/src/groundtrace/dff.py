"""dF/F without the pipeline, for users of Python: the public names of `traces.dff`."""

from groundtrace.traces.dff import BaselineParameters, Dff, DffParameters, NeuropilParameters, compute_dff

__all__ = ["BaselineParameters", "Dff", "DffParameters", "NeuropilParameters", "compute_dff"]
