"""What a two-photon microscope can resolve and collect: pure functions with units, usable alone.

Lengths of lenses and beams are mm, of the sample µm, wavelengths nm, times s, unless a name says otherwise. Angles are
optical degrees (twice those of a mirror). `groundtrace.card` computes with these what a session page shows.
"""

from groundtrace.optics.focus import WATER, axial_width, excitation_volume, lateral_width
from groundtrace.optics.lenses import (
    TUBE_LENGTHS,
    back_aperture,
    beam_at_back_aperture,
    effective_aperture,
    field_of_view,
    lens_range,
    objective_focal_length,
    tube_length,
)
from groundtrace.optics.sampling import noise_level_of, photon_rate_of, shared_noise_level, spots_per_pixel
from groundtrace.optics.scan import (
    COINCIDENCE,
    blur,
    centre_dwell,
    edge_dwell,
    mean_dwell,
    peak_speed,
    pulses_per_pixel,
    pulses_per_spot,
    temporal_fill,
)

__all__ = [
    "COINCIDENCE",
    "TUBE_LENGTHS",
    "WATER",
    "axial_width",
    "back_aperture",
    "beam_at_back_aperture",
    "blur",
    "centre_dwell",
    "edge_dwell",
    "effective_aperture",
    "excitation_volume",
    "field_of_view",
    "lateral_width",
    "lens_range",
    "mean_dwell",
    "noise_level_of",
    "objective_focal_length",
    "peak_speed",
    "photon_rate_of",
    "pulses_per_pixel",
    "pulses_per_spot",
    "shared_noise_level",
    "spots_per_pixel",
    "temporal_fill",
    "tube_length",
]
