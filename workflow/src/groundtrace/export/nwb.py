"""One NWB file for a session with all its planes, under the names that roiextractors looks for."""

# pynwb makes its signatures as it is imported.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hdmf.backends.hdf5.h5_utils import H5DataIO
from hdmf.data_utils import GenericDataChunkIterator
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.base import Images
from pynwb.device import Device, DeviceModel
from pynwb.file import Subject
from pynwb.image import GrayscaleImage
from pynwb.ophys import (
    DfOverF,
    Fluorescence,
    ImageSegmentation,
    ImagingPlane,
    OpticalChannel,
    PlaneSegmentation,
    RoiResponseSeries,
    TwoPhotonSeries,
)

from groundtrace import __version__
from groundtrace.errors import InputError
from groundtrace.export.inspection import check_metadata
from groundtrace.export.metadata import SessionMetadata
from groundtrace.export.nwb_tables import add_bad_frames, add_provenance, add_segments, roi_columns
from groundtrace.io import read_table
from groundtrace.movies.file import open_movie
from groundtrace.results import SessionResults

if TYPE_CHECKING:
    import xarray as xr
    from pynwb import ProcessingModule

FRAMES, ROIS, HELD = 4096, 32, 2**26
"""Frames and ROIs of a chunk of traces on the disk; values that are held at a time."""
RAW = {"RoiResponseSeries": "fluorescence", "Neuropil": "neuropil"}
DFF = {"RoiResponseSeries": "dff", "Denoised": "dff_denoised", "DenoisedLow": "dff_low", "DenoisedHigh": "dff_high"}
INTERVAL = {"DeconvolvedLow": "rate_low", "DeconvolvedHigh": "rate_high"}
UNITS = {"detector units": "a.u."}
Timing = dict[str, Any]


def build_file(metadata: SessionMetadata) -> tuple[NWBFile, Device]:
    """The file without its planes, and the microscope in it."""
    parameters, session, microscope = metadata.parameters, metadata.session, metadata.microscope
    nwb = NWBFile(
        session_description=session.session_description,
        identifier=session.key,
        session_start_time=metadata.start,
        session_id=metadata.session_id,
        experimenter=list(parameters.experimenter) or None,
        lab=parameters.lab,
        institution=parameters.institution,
        experiment_description=parameters.experiment_description,
        keywords=list(parameters.keywords) or None,
        related_publications=list(parameters.related_publications) or None,
        was_generated_by=[["groundtrace", __version__]],
    )
    animal = metadata.subject
    nwb.subject = Subject(
        subject_id=animal.subject,
        species=animal.species,
        sex=animal.sex,
        age=animal.age,
        date_of_birth=metadata.birth,
        genotype=animal.genotype,
        strain=animal.strain,
        weight=animal.weight,
        description=animal.description,
    )
    model = None
    if microscope.model and microscope.manufacturer:
        model = DeviceModel(
            name=microscope.model,
            manufacturer=microscope.manufacturer,
            model_number=microscope.model,
            description=f"{microscope.manufacturer} {microscope.model}",
        )
        nwb.add_device_model(model)
    return nwb, nwb.create_device(name="Microscope", description=microscope.description, model=model)


def write_nwb(
    path: Path, planes: Sequence[SessionResults], metadata: SessionMetadata, movies: Sequence[Path] = ()
) -> None:
    """Write the file of a session. movies: registered ones of its planes, where they are wanted in it.

    Traces, masks and movies are read and written in parts. Raises InputError when no plane has a ROI.
    """
    nwb, device = build_file(metadata)
    suffixes = ["" if plane is planes[0] else f"Plane{plane.plane}" for plane in planes]
    imaging = [_imaging_plane(nwb, device, *parts, metadata) for parts in zip(planes, suffixes, strict=True)]
    check_metadata(nwb)
    timing = [_timing(plane) for plane in planes]
    module = nwb.create_processing_module("ophys", "calcium imaging, processed by groundtrace")
    for plane, when, suffix in zip(planes, timing, suffixes, strict=True):
        if plane.has_shifts:
            module.add(_shifts(plane, when, suffix))
        module.add(_images(plane, suffix))
    for i, movie in enumerate(movies):
        module.add(_movie(movie, imaging[i], planes[i], timing[i], suffixes[i]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The linked table for DynamicTableRegion")  # they come into one file below
        _add_rois(module, [parts for parts in zip(planes, imaging, timing, suffixes, strict=True) if parts[0].has_rois])
    add_bad_frames(nwb, planes)
    add_segments(nwb, planes[0])
    add_provenance(nwb, planes)
    with NWBHDF5IO(path, "w") as file:
        file.write(nwb)


def _add_rois(module: "ProcessingModule", planes: Sequence[tuple[SessionResults, ImagingPlane, Timing, str]]) -> None:
    """Masks and series of planes that have ROIs."""
    if not planes:
        raise InputError("NWB: no plane has a ROI; there is nothing to write")
    masks = [_segmentation(plane, imaging, suffix) for plane, imaging, _, suffix in planes]
    module.add(ImageSegmentation(name="ImageSegmentation", plane_segmentations=masks))
    raw, dff, interval = [], [], []
    for (plane, _, timing, suffix), rois in zip(planes, masks, strict=True):
        known = plane.columns("traces")
        dark = plane.acquisition.offset or 0.0
        raw += [_series(name, plane.traces(column), rois, timing, suffix, -dark) for name, column in RAW.items()]
        raw.append(_series("Deconvolved", plane.spikes(), rois, timing, suffix))
        dff += [
            _series(name, plane.traces(column), rois, timing, suffix) for name, column in DFF.items() if column in known
        ]
        if plane.has_interval:
            interval += [_series(name, plane.spikes(end), rois, timing, suffix) for name, end in INTERVAL.items()]
    module.add(Fluorescence(name="Fluorescence", roi_response_series=raw))
    module.add(DfOverF(name="DfOverF", roi_response_series=dff))
    if interval:
        module.add(Fluorescence(name="DeconvolvedInterval", roi_response_series=interval))


def _series(
    name: str, array: "xr.DataArray", rois: PlaneSegmentation, timing: Timing, suffix: str, offset: float = 0.0
) -> RoiResponseSeries:
    """offset: added to the values, it makes them those of the unit: light above zero photons."""
    unit = array.attrs["units"]
    return RoiResponseSeries(
        name=f"{name}{suffix}",
        data=_traces(array),
        rois=rois.create_roi_table_region(region=list(range(len(rois.id))), description="all ROIs of the plane"),
        unit=UNITS.get(unit, unit),
        offset=offset,
        description=f"{array.attrs['long_name']} ({unit})",
        **timing,
    )


def _segmentation(plane: SessionResults, imaging: ImagingPlane, suffix: str) -> PlaneSegmentation:
    """ROIs with both kinds of masks and what is known of each."""
    acquisition = plane.acquisition
    return PlaneSegmentation(
        name=f"PlaneSegmentation{suffix}",
        description=f"ROIs of plane {plane.plane}, recipe {plane.recipe}",
        imaging_plane=imaging,
        **roi_columns(plane, lambda rois: _masks(rois, acquisition.width, acquisition.height)),
    )


def _imaging_plane(
    nwb: NWBFile, device: Device, plane: SessionResults, suffix: str, metadata: SessionMetadata
) -> ImagingPlane:
    acquisition, microscope = plane.acquisition, metadata.microscope
    channel = OpticalChannel(
        name="OpticalChannel",
        description=f"emission of {metadata.session.indicator}",
        emission_lambda=microscope.emission_wavelength,
    )
    spacing = acquisition.pixel_size and [acquisition.pixel_size * 1e-6] * 2
    return nwb.create_imaging_plane(
        name=f"ImagingPlane{suffix}",
        optical_channel=channel,
        description=f"plane {plane.plane} of {acquisition.planes}, {acquisition.width} x {acquisition.height} px",
        device=device,
        excitation_lambda=microscope.excitation_wavelength,
        imaging_rate=acquisition.frame_rate,
        indicator=metadata.session.indicator,
        location=metadata.session.location,
        grid_spacing=spacing,
        grid_spacing_unit="meters",
    )


def _timing(plane: SessionResults) -> Timing:
    """Rate where frames follow each other evenly, else the time of each, which is then as the file's stamps have it."""
    time, rate = plane.time.values, plane.acquisition.frame_rate
    if np.abs(time - np.arange(len(time)) / rate).max(initial=0) < 0.5 / rate:
        return {"rate": rate, "starting_time": 0.0}
    return {"timestamps": H5DataIO(time, compression="gzip")}


def _shifts(plane: SessionResults, timing: Timing, suffix: str) -> TimeSeries:
    shifts = read_table(plane.files["shifts"], ["x", "y"])
    return TimeSeries(
        name=f"MotionShifts{suffix}",
        data=H5DataIO(shifts.to_numpy(), compression="gzip"),
        unit="pixels",
        description=f"Rigid displacement (x, y) of the tissue in plane {plane.plane}, positive right and down: a pixel "
        "of the registered frame is the raw one at its place plus the displacement.",
        **timing,
    )


def _images(plane: SessionResults, suffix: str) -> Images:
    pictures = [
        GrayscaleImage(name=name, data=image.values.T, description=image.attrs["long_name"])
        for name, image in plane.images.items()
    ]
    return Images(name=f"SegmentationImages{suffix}", images=pictures, description="summary images (x, y)")


def _movie(path: Path, imaging: ImagingPlane, plane: SessionResults, timing: Timing, suffix: str) -> TwoPhotonSeries:
    movie = open_movie(path)
    frames, height, width = movie.shape

    def read(time: slice, x: slice, y: slice) -> np.ndarray:
        return np.asarray(movie[time]).transpose(0, 2, 1)[:, x, y]

    held = max(1, min(frames, 2**24 // (height * width)))
    data = Parted(read, (frames, width, height), movie.dtype, (1, width, height), (held, width, height))
    return TwoPhotonSeries(
        name=f"RegisteredTwoPhotonSeries{suffix}",
        data=H5DataIO(data, compression="gzip"),
        imaging_plane=imaging,
        unit="a.u.",
        description=f"registered movie of plane {plane.plane}, (time, x, y), detector units",
        **timing,
    )


def _traces(array: "xr.DataArray") -> H5DataIO:
    """A DataArray (roi, time) as (time, roi)."""
    rois, frames = array.shape
    held = min(rois, max(1, HELD // frames // ROIS) * ROIS)
    data = Parted(
        lambda time, roi: array[roi, time].values.T,
        (frames, rois),
        array.dtype,
        (min(frames, FRAMES), min(rois, ROIS)),
        (frames, held),
    )
    return H5DataIO(data, compression="gzip")


def _masks(rois: Any, width: int, height: int) -> H5DataIO:
    """(n_rois, x, y), one ROI a chunk; rois: their footprints."""
    y, x, weight = (rois[name].to_list() for name in ("pixel_y", "pixel_x", "weight"))

    def read(chosen: slice, _x: slice, _y: slice) -> np.ndarray:
        masks = np.zeros((len(y[chosen]), width, height), np.float32)
        for mask, rows, columns, weights in zip(masks, y[chosen], x[chosen], weight[chosen], strict=True):
            mask[columns, rows] = weights
        return masks[:, _x, _y]

    shape = (1, width, height)
    return H5DataIO(Parted(read, (len(y), width, height), np.dtype(np.float32), shape, shape), compression="gzip")


class Parted(GenericDataChunkIterator):
    """An array that is read part by part as it is written."""

    def __init__(
        self,
        read: Callable[..., np.ndarray],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        chunk: tuple[int, ...],
        held: tuple[int, ...],
    ):
        self._read, self._shape, self._kind = read, shape, dtype
        super().__init__(buffer_shape=held, chunk_shape=chunk)

    def _get_data(self, selection: tuple[slice, ...]) -> np.ndarray:
        return self._read(*selection)

    def _get_maxshape(self) -> tuple[int, ...]:
        return self._shape

    def _get_dtype(self) -> np.dtype[Any]:
        return self._kind
