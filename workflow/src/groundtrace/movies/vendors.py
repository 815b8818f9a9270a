"""Formats of microscope makers, through roiextractors: Bruker, Thor, Femtonics, Micro-Manager, Inscopix.

Tested on recordings written by the test suite in each maker's layout (Inscopix: where its `isx` package is
installed); no file of a real microscope of these makers was at hand.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray

from groundtrace.arrays import IntArray
from groundtrace.errors import InputError
from groundtrace.movies.raw import Metadata, Raw
from groundtrace.sessions import Format

READ_BYTES = 2**25
"""Asked of an extractor at a time."""


class ExtractorRaw(Raw):
    """One roiextractors imaging extractor per channel."""

    def __init__(self, path: Path, format: Format, extractors: Sequence[Any], metadata: Metadata):
        self._extractors = extractors
        first = extractors[0]
        self._lead = first.get_num_samples(), metadata.planes or 1, len(extractors)
        height, width = (int(size) for size in first.get_image_shape())
        super().__init__(
            path,
            format,
            frames=int(np.prod(self._lead)),
            image=(height, width),
            dtype=np.dtype(first.get_dtype()),
            metadata=metadata,
        )

    def _read(self, frames: IntArray, out: NDArray[Any]) -> None:
        times, planes, channels = np.unravel_index(frames, self._lead)
        # Extractors read all planes of a time at once: fewer times per call keep the memory the same.
        size = max(1, READ_BYTES // (out[0].nbytes * self._lead[1]))
        for start in range(0, len(out), size):
            first, last = int(times[start]), int(times[min(start + size, len(out)) - 1])
            series = {
                channel: self._extractors[channel].get_series(first, last + 1)
                for channel in np.unique(channels[start : start + size])
            }
            for position in range(start, min(start + size, len(out))):
                image = series[channels[position]][times[position] - first]
                out[position] = image if image.ndim == 2 else image[..., planes[position]]


def open_bruker(path: Path) -> ExtractorRaw:
    """A Prairie View (5.1 or later) folder `<name>/` with `<name>.xml` and its `.ome.tif` files."""
    from roiextractors import BrukerTiffImagingExtractor

    folder = path if path.is_dir() else path.parent
    described = folder / f"{folder.name}.xml"
    if not described.is_file():
        raise InputError(
            f"{path}: {described.name}, which describes the recording, is not in the folder; copy it there"
        )
    files = ElementTree.parse(described).getroot().iter("File")
    numbers = {int(item.attrib["channel"]): item.attrib["channelName"] for item in files}
    names = [numbers[number] for number in sorted(numbers)]
    extractors = [BrukerTiffImagingExtractor(folder, channel_name=name) for name in names]
    planes = extractors[0].get_num_planes()
    rate = extractors[0].get_sampling_frequency()
    return ExtractorRaw(path, "bruker", extractors, Metadata(rate, planes, len(names)))


def open_thor(path: Path) -> ExtractorRaw:
    """A ThorImage folder with `Experiment.xml` and OME-TIFF files, or any of its TIFF files.

    `Experiment.xml` gives the rate of single frames: the plane's is that over the number of planes. Fill the column
    frame_rate when ThorImage averaged frames. Its `.raw` files are not supported: export them as TIFF.
    """
    from roiextractors import ThorTiffImagingExtractor

    tiffs = natsorted(path.glob("*.tif*"), key=str) if path.is_dir() else [path]
    if not tiffs:
        raise InputError(f"{path}: holds no .tif file; export the recording from ThorImage as OME-TIFF")
    names = ThorTiffImagingExtractor.get_available_channel_names(tiffs[0])
    extractors = [ThorTiffImagingExtractor(tiffs[0], channel_name=name) for name in names]
    planes = extractors[0].get_num_planes()
    rate = extractors[0].get_sampling_frequency() / planes
    return ExtractorRaw(path, "thor", extractors, Metadata(rate, planes, len(names)))


def open_femtonics(path: Path) -> ExtractorRaw:
    """A MESc file with one measurement of more than one frame."""
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
    return ExtractorRaw(path, "femtonics", extractors, metadata)


def open_micromanager(path: Path) -> ExtractorRaw:
    """A Micro-Manager folder with `.ome.tif` files and `DisplaySettings.json`, one channel.

    The frame rate is that of the summary's `Interval_ms` when it is set; the playback rate, which roiextractors
    reports, is a display setting and is not used.
    """
    import tifffile
    from roiextractors import MicroManagerTiffImagingExtractor

    folder = path if path.is_dir() else path.parent
    tiffs = natsorted(folder.glob("*.ome.tif"), key=str)
    if not tiffs:
        raise InputError(f"{path}: holds no .ome.tif file; check the columns path and format")
    with tifffile.TiffFile(tiffs[0]) as tif:
        summary = (tif.micromanager_metadata or {}).get("Summary", {})
    if not summary:
        raise InputError(f"{path}: {tiffs[0].name} was not written by Micro-Manager; write tiff in the column format")
    if summary.get("Channels", 1) > 1 or summary.get("Slices", 1) > 1:
        raise InputError(
            f"{path}: has {summary.get('Channels', 1)} channel(s) and {summary.get('Slices', 1)} slice(s), this reader "
            "takes one of each; write tiff in the column format and the .ome.tif files in the column path"
        )
    interval = float(summary.get("Interval_ms") or 0)
    metadata = Metadata(frame_rate=1000 / interval if interval > 0 else None, planes=1, channels=1)
    return ExtractorRaw(path, "micromanager", [MicroManagerTiffImagingExtractor(folder)], metadata)


def open_inscopix(path: Path) -> ExtractorRaw:
    """An Inscopix `.isxd` movie; needs the maker's package `isx`, whose licence (CC BY-NC) keeps it out of ours."""
    from roiextractors import InscopixImagingExtractor

    try:
        extractor = InscopixImagingExtractor(path)
    except ModuleNotFoundError:
        raise InputError(f"{path}: reading .isxd needs the package isx of the maker; run `pip install isx`") from None
    rate = extractor.get_sampling_frequency()
    return ExtractorRaw(path, "inscopix", [extractor], Metadata(rate, planes=1, channels=1))


OPENERS: dict[Format, Callable[[Path], ExtractorRaw]] = {
    "bruker": open_bruker,
    "thor": open_thor,
    "femtonics": open_femtonics,
    "micromanager": open_micromanager,
    "inscopix": open_inscopix,
}
