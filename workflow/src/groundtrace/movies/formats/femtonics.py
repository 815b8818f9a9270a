"""Femtonics: a MESc file with one measurement of more than one frame."""

from pathlib import Path
from typing import Any

from groundtrace.errors import InputError
from groundtrace.movies.extractor import ExtractorRaw
from groundtrace.movies.raw import Format, Metadata


def open_femtonics(path: Path) -> ExtractorRaw:
    import h5py
    from roiextractors import FemtonicsImagingExtractor

    movies = []
    with h5py.File(path, "r") as store:
        for session, units in store.items():
            for unit in units if session.startswith("MSession_") else ():
                data: Any = store.get(f"{session}/{unit}/Channel_0")
                # Snapshots lie beside the movie as measurements of one frame.
                if data is not None and data.ndim == 3 and len(data) > 1:
                    movies.append((session, unit))
    if len(movies) != 1:
        listed = ", ".join("/".join(movie) for movie in movies) or "none"
        raise InputError(
            f"{path}: holds {len(movies)} movies ({listed}), one is needed; export each as its own .mesc file"
        )
    names = FemtonicsImagingExtractor.get_available_channels(path, *movies[0])
    extractors = [FemtonicsImagingExtractor(path, *movies[0], channel_name=name) for name in names]
    metadata = Metadata(frame_rate=float(extractors[0].get_sampling_frequency()), planes=1, channels=len(names))
    return ExtractorRaw(path, extractors, metadata)


FORMAT = Format(open_femtonics, suffixes=(".mesc",), magic=(b"\x89HDF",))
