"""What a rule of extraction writes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from groundtrace.acquisition import Acquisition
from groundtrace.arrays import BoolArray, IntArray, Movie
from groundtrace.extraction.base import Extraction
from groundtrace.extraction.footprints import describe, fluorescence_table
from groundtrace.extraction.pictures import event_clips
from groundtrace.extraction.tables import ExtractionQuality, Fluorescence, Rois
from groundtrace.io import write_arrays, write_table


def write_extraction(
    output: Any,
    found: Extraction,
    movie: Movie,
    bad_frames: BoolArray,
    acquisition: Acquisition,
    made_by: Mapping[str, Any],
) -> None:
    """Files `rois`, `fluorescence`, `images` and `quality` of judged ROIs."""
    assert found.judgement is not None
    write_table(output.rois, Rois, describe(found, movie.shape[1:]), made_by)
    write_table(output.fluorescence, Fluorescence, fluorescence_table(found), made_by)
    write_table(output.quality, ExtractionQuality, found.judgement.quality, made_by)
    diameter = float(found.judgement.quality["diameter"][0])
    clips = event_clips(
        movie,
        ~bad_frames,
        found.pixel_y,
        found.pixel_x,
        found.fluorescence - found.neuropil,
        by_interest(found),
        diameter,
        acquisition.frame_rate,
    )
    write_arrays(output.images, **found.judgement.images, **clips)


def by_interest(found: Extraction) -> IntArray:
    """Positions of the ROIs: accepted ones first, then others, visible ones last; the most active first."""
    assert found.judgement is not None
    energy = np.nan_to_num(found.judgement.statistics.energy)
    visible = np.zeros(len(energy), bool) if found.visible is None else found.visible
    return np.lexsort((-energy, ~found.accepted, visible))
