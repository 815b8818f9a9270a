"""Micro-Manager: a folder with `.ome.tif` files and `DisplaySettings.json`, one channel.

The frame rate is that of the summary's `Interval_ms` when it is set; the playback rate, which roiextractors
reports, is a display setting and is not used.
"""

from pathlib import Path

from groundtrace.errors import InputError
from groundtrace.movies.extractor import ExtractorRaw
from groundtrace.movies.raw import Format, Metadata, natural_order


def open_micromanager(path: Path) -> ExtractorRaw:
    import tifffile
    from roiextractors import MicroManagerTiffImagingExtractor

    folder = path if path.is_dir() else path.parent
    tiffs = natural_order(folder.glob("*.ome.tif"))
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
    return ExtractorRaw(path, [MicroManagerTiffImagingExtractor(folder)], metadata)


FORMAT = Format(open_micromanager, folder=True, folder_signs=("DisplaySettings.json",))
