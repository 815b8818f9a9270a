"""What headers tell of the microscope: read as they are, or left out."""

from pathlib import Path

import numpy as np
import tifffile

from groundtrace.card import acquisition_card
from groundtrace.movies.formats.scanbox import MICROSCOPE as SCANBOX
from groundtrace.movies.formats.thor import Experiment
from groundtrace.movies.opening import open_raw
from groundtrace.movies.raw import Metadata
from groundtrace.movies.settings import settings_of
from tests.unit.report.report_example import example_acquisition

THOR = """<ThorImageExperiment>
  <Wavelengths><Wavelength name="ChanA"/></Wavelengths>
  <Magnification mag="16" name="16x Nikon"/>
  <MultiPhotonLaser enable="1" pos="920"/>
  <LSM pixelX="512" pixelY="512" pixelSizeUM="1.1" widthUM="563.2" dwellTime="0.4" frameRate="30" averageMode="0"/>
  <PMT enableA="1" gainA="60"/>
  <Pockels start="12.5" stop="12.5"/>
</ThorImageExperiment>"""
INSTRUMENT = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument ID="Instrument:0">
  <Laser ID="L" Wavelength="920"/>{}
  </Instrument><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="5" SizeY="4"
  SizeZ="1" SizeC="1" SizeT="3"><TiffData/></Pixels></Image></OME>"""
OBJECTIVE = '<Objective ID="O{}" Manufacturer="Olympus" NominalMagnification="25" LensNA="1.05"/>'


def told(metadata: Metadata) -> dict[str, object]:
    return {setting.name: setting.value for setting in metadata.settings}


def test_thor(tmp_path):
    (tmp_path / "Experiment.xml").write_text(THOR)
    found = Experiment(tmp_path / "Experiment.xml").settings
    values = {setting.name: setting.value for setting in found}
    assert values == {
        "objective": "16x Nikon",
        "magnification": 16,
        "wavelength": 920,
        "dwell_told": 0.4e-6,
        "field_width": 563.2,
        "power": (12.5,),
        "pmt_gain": (60,),
    }
    assert next(setting.source for setting in found if setting.name == "wavelength") == "MultiPhotonLaser.pos"


def ome(folder: Path, objectives: int) -> dict[str, object]:
    xml = INSTRUMENT.format("".join(OBJECTIVE.format(number) for number in range(objectives)))
    movie = np.ones((3, 4, 5), np.uint16)
    tifffile.imwrite(folder / "m.ome.tif", movie, description=xml, metadata=None, photometric="minisblack")
    return told(open_raw(folder / "m.ome.tif", "tiff").metadata)


def test_ome_of_several_objectives_takes_none(tmp_path):
    assert ome(tmp_path, 1) == {
        "objective_maker": "Olympus",
        "magnification": 25,
        "numerical_aperture": 1.05,
        "wavelength": 920,
    }
    assert ome(tmp_path, 2) == {"wavelength": 920}


def test_scanbox():
    info = {"resfreq": 7930.0, "scanmode": 1, "objective": "Nikon_16x", "config.wavelength": 920.0}
    values = {setting.name: setting.value for setting in settings_of(info, SCANBOX)}
    assert values.pop("objective") == "Nikon_16x"
    assert values == {"scanner": "resonant", "scanner_rate": 7930, "bidirectional": False, "wavelength": 920}


def test_what_no_one_can_use_is_left_out():
    keys = [("a", "x", float), ("a", "y", float), ("b", "z", str), ("c", "n", float), ("d", "t", tuple)]
    found = settings_of({"x": "?", "y": "2", "z": "", "n": float("nan"), "t": ()}, keys)
    assert [(setting.name, setting.value, setting.source) for setting in found] == [("a", 2.0, "y")]


def test_an_objective_of_a_maker_that_is_not_known_says_so():
    acquisition = example_acquisition(9, 5)
    settings = settings_of({"m": "Acme", "k": "16"}, [("objective_maker", "m", str), ("magnification", "k", float)])
    card = acquisition_card(acquisition.model_copy(update={"settings": settings}))
    quantity = next(each for each in card.quantities if each.name == "objective_focal_length")
    assert quantity.value is None
    assert "'Acme' is not known" in quantity.problem
