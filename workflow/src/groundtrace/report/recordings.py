"""The page of the benchmark on simulated recordings: which motion correction, extraction and recipe to trust."""

from groundtrace.report.comparison import Recordings
from groundtrace.report.frame import render


def render_recordings(recordings: Recordings) -> str:
    """The page as HTML."""
    return render("recordings", recordings, recordings.title)
