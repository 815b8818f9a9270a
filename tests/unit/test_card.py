"""The acquisition card: what follows from a file's header, the sheet and the config, and what is not known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from pydantic import ValidationError

from groundtrace.acquisition import Acquisition
from groundtrace.card import Card, acquisition_card
from groundtrace.card_tables import FACTS, QUANTITIES
from groundtrace.microscope import Microscope
from groundtrace.movies.ingest import ingest
from groundtrace.sessions import Session

FULL = {
    "objectiveResolution": 40,
    "hRoiManager.scanFrameRate": 30.0,
    "hRoiManager.scanZoomFactor": 1,
    "hRoiManager.imagingFovUm": "[-300 -300;300 -300;300 300;-300 300]",
    "hRoiManager.pixelsPerLine": 512,
    "hChannels.channelSave": 1,
    "hScan2D.scannerType": "'RGG'",
    "hScan2D.scannerFrequency": 7910,
    "hScan2D.fillFractionSpatial": 0.9,
    "hScan2D.fillFractionTemporal": 0.7128668,
    "hScan2D.scanPixelTimeMean": 8.801e-08,
    "hScan2D.bidirectional": "true",
    "hBeams.powers": "[35 0]",
    "hPmts.gains": "[0.6 0.55]",
    "hMotors.samplePosition": "[120.5 -33 210]",
    "hFastZ.position": 40,
    "hStackManager.zs": "[0 30 60]",
}
LITTLE = {"hRoiManager.scanFrameRate": 30.0, "hChannels.channelSave": 1}
SCOPE = Microscope(
    objective_maker="Nikon",
    magnification=16,
    numerical_aperture=0.8,
    tube_lens=200,
    scan_lens=50,
    scan_angle=5.47,
    beam_diameter=6,
    excitation_wavelength=920,
    repetition_rate=80,
    pulse_width=100,
    tunable_lens_power=7,
)


def ingested(folder: Path, settings: dict[str, Any] | None, **sheet: Any) -> Acquisition:
    """A movie of 512 px lines with the header of ScanImage, or none."""
    movie = np.random.default_rng(1).poisson(50, (9, 6, 512)).astype("int16")
    software = "\n".join(f"SI.{name} = {value}" for name, value in (settings or {}).items())
    with tifffile.TiffWriter(folder / "m.tif") as out:
        for image in movie:
            out.write(image, contiguous=False, metadata=None, software=software or False)
    fields = {"subject": "M01", "session": "001", "path": "as given", "frame_rate": 30.0}
    session = Session.model_validate(fields | sheet)
    return ingest(session, [folder / "m.tif"], 0, folder / "movie.npy").acquisition


def needs(card: Card, name: str) -> Sequence[str]:
    return next(quantity for quantity in card.quantities if quantity.name == name).needs


def test_a_full_header_and_a_described_microscope_tell_everything(tmp_path):
    measured = {"cells": 80.0, "cell_diameter_px": 10.0, "noise_level": 2.5, "photon_noise_level": 2.0}
    card = acquisition_card(ingested(tmp_path, FULL), SCOPE, measured)
    assert [quantity.name for quantity in card.quantities if quantity.value is None] == []
    expected = {
        "optical_field": 598.5,
        "field": 600,
        "excitation_aperture": 0.8,
        "axial_width": 2.15,
        "mean_dwell": 88e-9,
        "centre_dwell": 71e-9,
        "peak_speed": 16.6,
        "pulses_per_spot": 2.1,
        "photon_share": 0.64,
        "tunable_lens_range": 1.33 * 7 * 12.5**2 / 16,
    }
    for name, value in expected.items():
        assert card.value(name) == pytest.approx(value, rel=0.01), name
    told = {known.name: (known.value, known.source) for known in card.told}
    assert told["power"] == ((35.0, 0.0), "file, SI.hBeams.powers")
    assert told["bidirectional"] == (True, "file, SI.hScan2D.bidirectional")
    assert told["plane_depths"][0] == (0.0, 30.0, 60.0)
    assert told["magnification"] == (16.0, "config, magnification")
    assert told["immersion_index"][1] == "assumed: water"


def test_what_a_header_tells_agrees_with_what_follows_from_it(tmp_path):
    """ScanImage's own mean dwell time and temporal fill are those of a sine."""
    card = acquisition_card(ingested(tmp_path, FULL))
    told = {known.name: known.value for known in card.told}
    assert card.value("mean_dwell") == pytest.approx(told["dwell_told"], rel=1e-3)
    assert card.value("temporal_fill") == pytest.approx(told["temporal_fill_told"], rel=1e-3)


def test_a_short_header_leaves_the_rest_not_known_and_says_what_it_needs(tmp_path):
    card = acquisition_card(ingested(tmp_path, LITTLE, pixel_size=1.2))
    assert {quantity.name for quantity in card.quantities if quantity.value is not None} == {"field"}
    assert next(known.source for known in card.told if known.name == "pixel_size") == "sheet, pixel_size"
    assert set(needs(card, "peak_speed")) == {"resonance", "spatial_fill"}
    assert set(needs(card, "axial_width")) == {"numerical_aperture", "wavelength"}


def test_of_a_plain_tiff_nothing_is_known(tmp_path):
    card = acquisition_card(ingested(tmp_path, None))
    assert all(quantity.value is None and (quantity.needs or quantity.problem) for quantity in card.quantities)
    assert {known.name for known in card.told} == {"immersion_index", "width"}
    assert card.missing().keys() <= FACTS.keys()


def test_the_scan_of_a_galvo_is_no_sine(tmp_path):
    galvo = FULL | {"hScan2D.scannerType": "'GG'", "hScan2D.scanPixelTimeMean": 2e-6}
    card = acquisition_card(ingested(tmp_path, galvo))
    assert card.value("mean_dwell") == 2e-6
    assert card.value("peak_speed") is None


def test_a_narrow_beam_enlarges_the_focus_and_an_unknown_one_is_told(tmp_path):
    acquisition = ingested(tmp_path, FULL)
    narrow, unknown = (
        acquisition_card(acquisition, SCOPE.model_copy(update={"beam_diameter": beam})) for beam in (3.75, None)
    )
    assert narrow.value("excitation_aperture") == pytest.approx(0.6)
    assert narrow.value("axial_width") == pytest.approx(4.03, rel=0.01)
    assert unknown.value("axial_width") == pytest.approx(2.15, rel=0.01)
    way = next(quantity for quantity in unknown.quantities if quantity.name == "excitation_aperture")
    assert "as if the beam filled it" in way.formula


def test_malformed_settings_are_left_out(tmp_path):
    odd = FULL | {"hScan2D.scannerFrequency": "NaN", "hScan2D.fillFractionSpatial": "'?'", "hBeams.powers": "[]"}
    names = {setting.name for setting in ingested(tmp_path, odd).settings}
    assert not names & {"scanner_rate", "spatial_fill", "power"}
    assert "bidirectional" in names


def test_a_card_is_read_as_it_was_written(tmp_path):
    card = acquisition_card(ingested(tmp_path, FULL), SCOPE)
    assert Card.model_validate_json(card.model_dump_json()) == card


def test_inputs_are_facts_or_quantities_further_up():
    known = set(FACTS)
    for derived in QUANTITIES:
        assert set(derived.inputs) <= known, derived.name
        known.add(derived.name)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"objective_maker": "Nikkon"}, "'Nikkon' is not known; known are nikon, .*did you mean 'nikon'"),
        ({"numerical_aperture": 1.4}, "numerical_aperture 1.4 must be below immersion_index 1.33"),
        ({"spatial_fill": 1.2}, "less than or equal to 1"),
    ],
)
def test_an_impossible_microscope_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Microscope.model_validate(fields)
