"""What an acquisition card knows of: the facts that it may be told, and the quantities that follow from them."""

from collections.abc import Callable
from dataclasses import dataclass

from groundtrace import optics

CONFIG = "microscopes.<name>"
"""Section of the config that describes a microscope."""


@dataclass(frozen=True)
class Fact:
    """Something that is told or measured."""

    label: str
    unit: str = ""
    where: str = ""
    """Where it would be told."""


def _config(label: str, unit: str, name: str) -> Fact:
    return Fact(label, unit, f"config, {CONFIG}.{name}")


FACTS = {
    "objective": Fact("objective"),
    "objective_maker": _config("maker of the objective", "", "objective_maker (or focal_length)"),
    "magnification": _config("magnification", "", "magnification"),
    "objective_focal_length": _config("focal length of the objective", "mm", "focal_length"),
    "numerical_aperture": _config("numerical aperture", "", "numerical_aperture"),
    "immersion_index": _config("refractive index of the immersion", "", "immersion_index"),
    "tube_lens": _config("tube lens", "mm", "tube_lens"),
    "scan_lens": _config("scan lens", "mm", "scan_lens"),
    "scan_angle": _config("scan angle at zoom 1, ±", "°", "scan_angle"),
    "beam_diameter": _config("beam at the scanner", "mm", "beam_diameter"),
    "tunable_lens_power": _config("power range of the tunable lens", "dpt", "tunable_lens_power"),
    "tunable_lens_relays": _config("relays of the tunable lens", "mm", "tunable_lens_relays"),
    "wavelength": _config("laser wavelength", "nm", "excitation_wavelength"),
    "repetition_rate": _config("repetition rate of the laser", "MHz", "repetition_rate"),
    "pulse_width": _config("pulse width", "fs", "pulse_width"),
    "zoom": Fact("zoom of the scanner", where="file"),
    "micrometres_per_degree": Fact("micrometres per degree", "µm/°"),
    "field_width": Fact("width of the field told by the file", "µm"),
    "pixel_size": Fact("pixel size", "µm", "sheet, pixel_size"),
    "width": Fact("pixels of a line", where="file"),
    "scanner": Fact("scanner"),
    "scanner_rate": Fact("frequency of the scanner", "Hz"),
    "resonance": Fact("frequency of a resonant scanner", "Hz", "file"),
    "spatial_fill": _config("spatial fill fraction", "", "spatial_fill"),
    "temporal_fill_told": Fact("temporal fill told by the file"),
    "dwell_told": Fact("dwell time told by the file", "s", "file"),
    "line_period": Fact("line period", "s"),
    "bidirectional": Fact("lines in both directions"),
    "power": Fact("laser power, as set", ""),
    "pmt_gain": Fact("detector gain, as set"),
    "position": Fact("stage position"),
    "position_z": Fact("stage position, z", "µm"),
    "focus": Fact("position of the fast focus", "µm"),
    "plane_depths": Fact("depths of the planes", "µm"),
    "cells": Fact("cells"),
    "cell_diameter_px": Fact("median diameter of the cells", "px", "movie: cells"),
    "noise_level": Fact("median ν of the cells", "%/√Hz", "movie: cells"),
    "photon_noise_level": Fact("median ν of the cells' photons alone", "%/√Hz", "movie: a photon gain"),
    "photons_per_pixel": Fact("photons per pixel and frame", where="movie: a photon gain"),
}
"""By name. Settings of files and fields of `microscope.Microscope` have these names."""
OTHER_NAMES = {"excitation_wavelength": "wavelength", "focal_length": "objective_focal_length"}
"""Fields of the config that have another name here."""


@dataclass(frozen=True)
class Derived:
    """One way to a quantity; several of one name are tried in their order."""

    group: str
    name: str
    label: str
    unit: str
    formula: str
    function: Callable[..., float]
    inputs: tuple[str, ...]


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator


def _times(first: float, second: float) -> float:
    return first * second


FIELD, FOCUS, SCAN, LIGHT = "Field of view", "Focus", "Scan", "Sampling and light"
_LENSES = ("objective_focal_length", "scan_lens", "tube_lens")
_FOCUS = ("excitation_aperture", "wavelength", "immersion_index")
_SINE = ("resonance", "spatial_fill", "width")
QUANTITIES = (
    Derived(FIELD, "maker_tube_length", "tube lens that the magnification is for", "mm", "by the maker",
            optics.tube_length, ("objective_maker",)),
    Derived(FIELD, "objective_focal_length", "focal length of the objective f_o", "mm",
            "f_o = tube lens of its maker / magnification", optics.objective_focal_length,
            ("maker_tube_length", "magnification")),
    Derived(FIELD, "zoomed_angle", "scan angle ±α", "°", "α at zoom 1 / zoom", _ratio, ("scan_angle", "zoom")),
    Derived(FIELD, "optical_field", "field of view by the optics", "µm", "s = 2 tan(α) f_o f_s / f_t",
            optics.field_of_view, ("zoomed_angle", *_LENSES)),
    Derived(FIELD, "field", "field of view by the pixel size", "µm", "pixel size × pixels of a line", _times,
            ("pixel_size", "width")),
    Derived(FIELD, "field_disagreement", "field by the pixel size / by the optics", "", "ratio", _ratio,
            ("field", "optical_field")),
    Derived(FOCUS, "beam_at_back_aperture", "beam at the back aperture (1/e²)", "mm", "d f_t / f_s",
            optics.beam_at_back_aperture, ("beam_diameter", "scan_lens", "tube_lens")),
    Derived(FOCUS, "back_aperture", "back aperture of the objective", "mm", "2 NA f_o", optics.back_aperture,
            ("numerical_aperture", "objective_focal_length")),
    Derived(FOCUS, "back_aperture_fill", "fill of the back aperture", "", "beam / back aperture", _ratio,
            ("beam_at_back_aperture", "back_aperture")),
    Derived(FOCUS, "excitation_aperture", "numerical aperture of the excitation", "", "NA × min(1, fill)",
            optics.effective_aperture, ("numerical_aperture", "back_aperture_fill")),
    Derived(FOCUS, "excitation_aperture", "numerical aperture of the excitation", "",
            "NA of the objective, as if the beam filled it: the focus is at least so large", float,
            ("numerical_aperture",)),
    Derived(FOCUS, "lateral_width", "focus across (FWHM)", "µm",
            "2√ln2 × 0.320 λ/(√2 NA), above NA 0.7 2√ln2 × 0.325 λ/(√2 NA^0.91) (Zipfel 2003)", optics.lateral_width,
            _FOCUS),
    Derived(FOCUS, "axial_width", "focus along the axis (FWHM)", "µm",
            "2√ln2 × 0.532 λ/√2 / (n − √(n² − NA²)) (Zipfel 2003)", optics.axial_width, _FOCUS),
    Derived(FOCUS, "excitation_volume", "volume of excitation", "µm³", "π^(3/2) w_xy² w_z, 1/e half widths",
            optics.excitation_volume, _FOCUS),
    Derived(FOCUS, "cell_diameter", "median diameter of the cells", "µm", "2 √(pixels / π) × pixel size", _times,
            ("cell_diameter_px", "pixel_size")),
    Derived(FOCUS, "axial_share", "share of a cell's depth in focus", "", "axial FWHM / diameter of the cells", _ratio,
            ("axial_width", "cell_diameter")),
    Derived(FOCUS, "tunable_lens_range", "axial range of the tunable lens", "µm",
            "n P f_o² (f_s/f_t)² Π (first/second lens of a relay)²", optics.lens_range,
            ("tunable_lens_power", *_LENSES, "tunable_lens_relays", "immersion_index")),
    Derived(SCAN, "temporal_fill", "temporal fill of the resonant scanner", "", "2/π asin(spatial fill)",
            lambda resonance, fill: optics.temporal_fill(fill), ("resonance", "spatial_fill")),
    Derived(SCAN, "mean_dwell", "mean dwell time of a pixel", "s", "asin(F) / (π f n)", optics.mean_dwell, _SINE),
    Derived(SCAN, "mean_dwell", "mean dwell time of a pixel", "s", "as the file tells it", float, ("dwell_told",)),
    Derived(SCAN, "centre_dwell", "dwell time at the centre of a line", "s", "F / (π f n)", optics.centre_dwell, _SINE),
    Derived(SCAN, "edge_dwell", "dwell time at the ends of a line", "s",
            "(asin(F) − asin(F (1 − 2/n))) / (2 π f)", optics.edge_dwell, _SINE),
    Derived(SCAN, "centre_photons", "photons of a pixel at the centre / as estimated", "",
            "dwell there / mean dwell: one gain holds for the image, pixels average what they collect", _ratio,
            ("centre_dwell", "mean_dwell")),
    Derived(SCAN, "edge_photons", "photons of a pixel at the ends / as estimated", "", "dwell there / mean dwell",
            _ratio, ("edge_dwell", "mean_dwell")),
    Derived(SCAN, "peak_speed", "peak speed of the focus", "m/s", "π f s / F", optics.peak_speed,
            ("resonance", "field", "spatial_fill")),
    Derived(SCAN, "pulses_per_pixel", "laser pulses in a pixel, on average", "", "dwell × repetition rate",
            optics.pulses_per_pixel, ("mean_dwell", "repetition_rate")),
    Derived(SCAN, "pulses_per_spot", "laser pulses in a focus and pass, at the centre", "",
            "lateral FWHM / speed × repetition rate", optics.pulses_per_spot,
            ("lateral_width", "peak_speed", "repetition_rate")),
    Derived(SCAN, "pulse_blur", "path of the focus during a laser pulse", "pm", "speed × pulse width",
            lambda speed, width: optics.blur(speed, width * 1e-15), ("peak_speed", "pulse_width")),
    Derived(SCAN, "coincidence_blur", "path of the focus while two photons coincide", "pm",
            "speed × 10⁻¹⁶ s (Denk 1990): no scan is too fast for two photons",
            lambda speed: optics.blur(speed, optics.COINCIDENCE), ("peak_speed",)),
    Derived(LIGHT, "spots_per_pixel", "focus widths in a pixel", "", "pixel size / lateral FWHM; ½ is Nyquist's",
            optics.spots_per_pixel, ("pixel_size", "lateral_width")),
    Derived(LIGHT, "photon_rate", "photons of a cell and second", "1/s",
            "(95.4 % / ν of photons alone)²: light of the neuropil counts against them", optics.photon_rate_of,
            ("photon_noise_level",)),
    Derived(LIGHT, "photon_share", "share of the noise that these photons explain", "",
            "(ν of photons alone / ν measured)²", lambda photons, measured: (photons / measured) ** 2,
            ("photon_noise_level", "noise_level")),
)  # fmt: skip
"""In the order of the page; inputs are facts or quantities further up."""
