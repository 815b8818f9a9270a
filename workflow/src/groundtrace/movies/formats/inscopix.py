"""Inscopix: an `.isxd` movie; needs the maker's package `isx`, whose licence (CC BY-NC) keeps it out of ours."""

from pathlib import Path

from groundtrace.errors import InputError
from groundtrace.movies.extractor import ExtractorRaw
from groundtrace.movies.raw import Format, Metadata


def open_inscopix(path: Path) -> ExtractorRaw:
    from roiextractors import InscopixImagingExtractor

    try:
        extractor = InscopixImagingExtractor(path)
    except ModuleNotFoundError:
        raise InputError(f"{path}: reading .isxd needs the package isx of the maker; run `pip install isx`") from None
    rate = extractor.get_sampling_frequency()
    return ExtractorRaw(path, [extractor], Metadata(rate, planes=1, channels=1))


FORMAT = Format(open_inscopix, suffixes=(".isxd",))
