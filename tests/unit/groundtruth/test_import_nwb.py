"""A lab's own neurons as NWB."""

from datetime import UTC, datetime

import numpy as np
import pytest
from pynwb import NWBHDF5IO, NWBFile
from pynwb.ecephys import SpikeEventSeries
from pynwb.file import Subject
from pynwb.ophys import DfOverF, ImageSegmentation, OpticalChannel, RoiResponseSeries

from groundtrace.errors import InputError
from groundtrace.groundtruth.importers.nwb import import_nwb
from groundtrace.groundtruth.parameters import GroundTruthSource

TIME = 3 + np.arange(200) / 25.0
SPIKES = [3.5, 4.25, 9.0]


class Lab:
    """An NWB file with one imaging plane, to put series and spikes into."""

    def __init__(self, path, rois=1):
        path.parent.mkdir(exist_ok=True)
        self.path = path
        self.file = NWBFile("patched cell", "id", datetime(2026, 3, 1, tzinfo=UTC))
        self.file.subject = Subject(species="Mus musculus", subject_id="m1", sex="U", age="P60D")
        device = self.file.create_device("scope")
        plane = self.file.create_imaging_plane(
            name="plane",
            optical_channel=OpticalChannel(name="green", description="emission", emission_lambda=510.0),
            description="",
            device=device,
            excitation_lambda=920.0,
            indicator="GCaMP8m",
            location="V1",
        )
        self.module = self.file.create_processing_module("ophys", "traces")
        segmentation = ImageSegmentation()
        self.module.add(segmentation)
        table = segmentation.create_plane_segmentation("rois", plane, "cells")
        for _ in range(rois):
            table.add_roi(pixel_mask=[(1, 1, 1.0)])
        self.region = table.create_roi_table_region("all", region=list(range(rois)))

    def series(self, name, data, container=None, **timing):
        timing = timing or {"rate": 25.0, "starting_time": 3.0}
        made = RoiResponseSeries(name=name, data=data, unit="n.a.", rois=self.region, **timing)
        self.module.add(container(roi_response_series=made, name="DfOverF") if container else made)

    def units(self, *spikes):
        for each in spikes:
            self.file.add_unit(spike_times=each)

    def electrode(self, spikes):
        device = self.file.create_device("amplifier")
        group = self.file.create_electrode_group("pipette", "patch", "V1", device)
        self.file.add_electrode(group=group, location="V1")
        region = self.file.create_electrode_table_region([0], "pipette")
        self.file.add_acquisition(
            SpikeEventSeries(name="spikes", data=np.zeros((len(spikes), 1)), timestamps=spikes, electrodes=region)
        )

    def rows(self, **options):
        with NWBHDF5IO(self.path, "w") as handle:
            handle.write(self.file)
        source = GroundTruthSource(source=str(self.path.parent), format="nwb", **options)
        return list(import_nwb(source.files(), source))


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path / "patch_2026" / "cell_3.nwb")


def test_dff_and_units_make_a_recording(lab):
    lab.series("RoiResponseSeries", np.sin(TIME)[:, None], DfOverF)
    lab.series("Neuropil", np.cos(TIME)[:, None])
    lab.units(SPIKES)
    (row,) = lab.rows()
    assert (row["dataset"], row["neuron"], row["indicator"]) == ("patch_2026", "cell_3", "jGCaMP8m")
    assert (row["species"], row["area"]) == ("Mus musculus", "V1")
    assert np.allclose(row["time"], TIME)
    assert np.allclose(row["dff"], np.sin(TIME), atol=1e-6)
    assert row["spike_times"].tolist() == SPIKES


def test_the_only_series_and_an_electrode_do_too(lab):
    times = np.sort(np.random.default_rng(0).uniform(0, 8, 200))
    lab.series("dff", np.sin(times), timestamps=times)
    lab.electrode(SPIKES)
    (row,) = lab.rows(indicator="GCaMP6f", cell_class="SST")
    assert (row["indicator"], row["cell_class"]) == ("GCaMP6f", "SST")
    assert np.allclose(row["time"], times)
    assert row["spike_times"].tolist() == SPIKES


def test_several_neurons_pair_in_order(tmp_path):
    lab = Lab(tmp_path / "lab" / "field.nwb", rois=2)
    lab.series("DfOverF", np.stack([np.sin(TIME), np.cos(TIME)], axis=1))
    lab.units(SPIKES, [1.0])
    first, second = lab.rows()
    assert (first["neuron"], second["neuron"]) == ("field-0", "field-1")
    assert np.allclose(second["dff"], np.cos(TIME), atol=1e-6)
    assert second["spike_times"].tolist() == [1.0]


def test_units_and_rois_must_be_as_many(lab):
    lab.series("DfOverF", np.sin(TIME)[:, None])
    lab.units(SPIKES, SPIKES)
    with pytest.raises(InputError, match=r"cell_3\.nwb: 1 ROIs in 'DfOverF' but 2 units"):
        lab.rows()


def test_missing_spikes_are_said(lab):
    lab.series("DfOverF", np.sin(TIME)[:, None])
    with pytest.raises(InputError, match=r"cell_3\.nwb: holds no spike times; fill the column spike_times of `units`"):
        lab.rows()


def test_missing_dff_is_said(lab):
    lab.units(SPIKES)
    with pytest.raises(InputError, match=r"needs one RoiResponseSeries of dF/F \(found: none\)"):
        lab.rows()


def test_two_series_without_a_name_that_tells_are_refused(lab):
    lab.series("raw", np.sin(TIME)[:, None])
    lab.series("neuropil", np.sin(TIME)[:, None])
    lab.units(SPIKES)
    with pytest.raises(InputError, match=r"\(found: raw, neuropil\); put dF/F into one that is named DfOverF"):
        lab.rows()


def test_a_file_that_is_no_nwb_is_named(tmp_path):
    (tmp_path / "x.nwb").write_text("nothing")
    source = GroundTruthSource(source=str(tmp_path), format="nwb")
    with pytest.raises(InputError, match=r"x\.nwb: not an NWB file"):
        list(import_nwb(source.files(), source))
