"""Every format of raw movie comes out of ingest pixel by pixel as it was written, for every plane and channel.

Files are written in the maker's layout by the library of the format, or by hand where there is none.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
import tifffile
import zarr

from groundtrace.errors import InputError
from groundtrace.movies.file import open_movie
from groundtrace.movies.formats import FORMATS
from groundtrace.movies.ingest import ingest
from groundtrace.movies.opening import open_raw
from groundtrace.sessions import Session

RATE = 7.5
"""Hz per plane, in the metadata of all files that have any."""
Written = list[Path]


def golden(planes: int = 1, channels: int = 1, dtype: str = "uint16", frames: int = 11) -> np.ndarray:
    """(T, Z, C, Y, X) over the whole range of the integer type."""
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(planes + 10 * channels)
    return generator.integers(limits.min, limits.max, (frames, planes, channels, 12, 10), dtype, endpoint=True)


def pages(movie: np.ndarray) -> np.ndarray:
    """(frames, Y, X) in the order time > plane > channel."""
    return movie.reshape(-1, *movie.shape[3:])


def write_pages(path: Path, images: np.ndarray, **options) -> Written:
    with tifffile.TiffWriter(
        path, bigtiff=options.pop("bigtiff", False), byteorder=options.pop("byteorder", "<")
    ) as out:
        for image in images:
            out.write(image, contiguous=False, metadata=None, photometric="minisblack", **options)
    return [path]


def plain_tiff(folder: Path, movie: np.ndarray) -> Written:
    return write_pages(folder / "m.tif", pages(movie))


def two_tiffs(folder: Path, movie: np.ndarray) -> Written:
    """Cut inside a volume, as one acquisition split into files is."""
    images = pages(movie)
    return write_pages(folder / "m_1.tif", images[:5]) + write_pages(folder / "m_2.tif", images[5:])


def bigtiff(folder: Path, movie: np.ndarray) -> Written:
    return write_pages(folder / "m.tif", pages(movie), bigtiff=True, rowsperstrip=5)


def big_endian_tiff(folder: Path, movie: np.ndarray) -> Written:
    return write_pages(folder / "m.tif", pages(movie), byteorder=">")


def compressed_tiff(folder: Path, movie: np.ndarray) -> Written:
    return write_pages(folder / "m.tif", pages(movie), compression="lzw", predictor=True)


def tiled_tiff(folder: Path, movie: np.ndarray) -> Written:
    return write_pages(folder / "m.tif", pages(movie), tile=(16, 16))


def array_tiff(folder: Path, movie: np.ndarray) -> Written:
    """As tifffile writes an array, the pages of all but the first frame left out."""
    tifffile.imwrite(folder / "m.tif", pages(movie), photometric="minisblack", truncate=True)
    with tifffile.TiffFile(folder / "m.tif") as tif:
        assert len(tif.pages) == 1
    return [folder / "m.tif"]


def imagej_tiff(folder: Path, movie: np.ndarray) -> Written:
    tifffile.imwrite(
        folder / "m.tif",
        movie,
        imagej=True,
        resolution=(1 / 1.25, 1 / 1.25),
        metadata={"axes": "TZCYX", "finterval": 1 / RATE, "unit": "um"},
    )
    return [folder / "m.tif"]


def imagej_stack(folder: Path, movie: np.ndarray) -> Written:
    """Without a time axis: ImageJ calls the frames of a plain stack slices."""
    tifffile.imwrite(folder / "m.tif", pages(movie), imagej=True, metadata={"axes": "ZYX"})
    return [folder / "m.tif"]


def ome_tiff(folder: Path, movie: np.ndarray) -> Written:
    metadata = {"axes": "TZCYX", "TimeIncrement": 1 / RATE, "PhysicalSizeX": 1.25, "PhysicalSizeXUnit": "µm"}
    tifffile.imwrite(folder / "m.ome.tif", movie, photometric="minisblack", metadata=metadata)
    return [folder / "m.ome.tif"]


def ome_tiff_by_channel(folder: Path, movie: np.ndarray) -> Written:
    """Another order of pages: all times of a plane, all planes of a channel."""
    metadata = {"axes": "CZTYX", "TimeIncrement": 1000 / RATE, "TimeIncrementUnit": "ms", "PhysicalSizeX": 1.25}
    stored = movie.transpose(2, 1, 0, 3, 4)
    tifffile.imwrite(folder / "m.ome.tif", stored, photometric="minisblack", metadata=metadata)
    return [folder / "m.ome.tif"]


def scanimage_settings(movie: np.ndarray, flyback: int) -> str:
    frames, planes, channels = movie.shape[:3]
    volumetric = planes > 1
    values = {
        "hChannels.channelSave": "[" + ";".join(str(k + 1) for k in range(channels)) + "]" if channels > 1 else "1",
        "hRoiManager.imagingFovUm": "[-6.25 -7.5;6.25 -7.5;6.25 7.5;-6.25 7.5]",
        "hRoiManager.pixelsPerLine": movie.shape[-1],
        "hRoiManager.scanFrameRate": RATE * (planes + flyback),
        "hRoiManager.scanVolumeRate": RATE,
        "hScan2D.logAverageFactor": 1,
        "hStackManager.actualNumSlices": planes,
        "hStackManager.enable": "true" if volumetric else "false",
        "hStackManager.framesPerSlice": 1 if volumetric else frames,
        "hStackManager.numFramesPerVolume": planes,
        "hStackManager.numFramesPerVolumeWithFlyback": planes + flyback,
        "hStackManager.numSlices": 30,  # left over from an earlier stack
    }
    return "\n".join(f"SI.{name} = {value}" for name, value in values.items())


def scanimage_tiff(folder: Path, movie: np.ndarray, flyback: int = 0, bigtiff: bool = False) -> Written:
    settings = scanimage_settings(movie, flyback)
    empty = np.full((len(movie), flyback, *movie.shape[2:]), 77, movie.dtype)
    with tifffile.TiffWriter(folder / "si.tif", bigtiff=bigtiff, byteorder="<") as out:
        if bigtiff:
            static = settings.encode() + b"\0"
            block = struct.pack("<IIII", 0x07030301, 4, len(static), 0) + static
            out.filehandle.write(block + b"\0" * (-len(block) % 16))
        for image in pages(np.concatenate([movie, empty], axis=1)):
            # The big files have their settings in the header alone here, the small ones in the tag alone.
            software = "SI.LINE_FORMAT_VERSION = 1" if bigtiff else settings
            out.write(image, contiguous=False, metadata=None, software=software, description="frameNumbers = 1")
    return [folder / "si.tif"]


def scanimage_flyback(folder: Path, movie: np.ndarray) -> Written:
    return scanimage_tiff(folder, movie, flyback=2, bigtiff=True)


def hdf5(folder: Path, movie: np.ndarray) -> Written:
    with h5py.File(folder / "m.h5", "w") as store:
        store["pixel_mask"] = np.zeros((3, 3))
        store.create_dataset("recording/mov", data=pages(movie), chunks=(4, 12, 10), compression="gzip")
        store["recording/mov"].attrs["fr"] = RATE * movie.shape[1]
    return [folder / "m.h5"]


def hdf5_planes(folder: Path, movie: np.ndarray) -> Written:
    with h5py.File(folder / "m.h5", "w") as store:
        store["data"] = movie[:, :, 0]
        store["data"].attrs["frame_rate"] = RATE
    return [folder / "m.h5"]


def nwb(folder: Path, movie: np.ndarray) -> Written:
    """(frame, x, y[, z]), as neuroconv writes it."""
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    file = NWBFile("golden", "golden", datetime(2026, 3, 1, tzinfo=UTC))
    plane = file.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=OpticalChannel(name="green", description="green", emission_lambda=510.0),
        description="plane",
        device=file.create_device(name="microscope"),
        excitation_lambda=920.0,
        indicator="GCaMP6s",
        location="V1",
        imaging_rate=RATE,
        grid_spacing=[1.25, 1.25],
        grid_spacing_unit="micrometers",
    )
    data = movie[:, :, 0].transpose(0, 3, 2, 1)
    data = data[..., 0] if movie.shape[1] == 1 else data
    file.add_acquisition(
        TwoPhotonSeries(name="TwoPhotonSeries", data=data, imaging_plane=plane, unit="n.a.", rate=RATE)
    )
    with NWBHDF5IO(folder / "m.nwb", "w") as out:
        out.write(file)
    return [folder / "m.nwb"]


def zarr_array(folder: Path, movie: np.ndarray, version: int = 3) -> Written:
    path = folder / "m.zarr"
    zarr.create_array(path, data=pages(movie), chunks=(4, 12, 10), zarr_format=version)
    return [path]


def zarr_2(folder: Path, movie: np.ndarray) -> Written:
    return zarr_array(folder, movie, 2)


def ome_zarr(folder: Path, movie: np.ndarray) -> Written:
    group = zarr.open_group(folder / "m.zarr", mode="w")
    group.create_array("0", data=movie.swapaxes(1, 2), chunks=(4, 1, 1, 12, 10))
    group.create_array("1", data=movie.swapaxes(1, 2)[..., ::2, ::2], chunks=(4, 1, 1, 6, 5))
    axes = [{"name": name} for name in "tczyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    return [folder / "m.zarr"]


def npy(folder: Path, movie: np.ndarray) -> Written:
    np.save(folder / "m.npy", pages(movie))
    return [folder / "m.npy"]


def npy_big_endian_planes(folder: Path, movie: np.ndarray) -> Written:
    np.save(folder / "m.npy", movie[:, :, 0].astype(movie.dtype.newbyteorder(">")))
    return [folder / "m.npy"]


def scanbox(folder: Path, movie: np.ndarray) -> Written:
    from scipy.io import savemat

    _, planes, channels, height, width = movie.shape
    # As sbxread.m: (channel, column, row, frame) in Fortran order, inverted; recordsPerBuffer is half the lines.
    (65535 - pages(movie.transpose(0, 1, 3, 4, 2))).astype("<u2").tofile(folder / "m.sbx")
    info = {
        "channels": 1 if channels == 2 else 2,
        "scanmode": 0,
        "recordsPerBuffer": height // 2,
        "sz": [height, width],
        "resfreq": RATE * planes * height / 2,
        "config": {"lines": height},
        "otwave": np.arange(planes) if planes > 1 else [],
        "volscan": int(planes > 1),
        "scanbox_version": 2,
        "nChan": channels,
    }
    savemat(folder / "m.mat", {"info": info})
    return [folder / "m.sbx"]


def bruker(folder: Path, movie: np.ndarray) -> Written:
    """Prairie View 5.6: one page a file, the folder's XML lists them."""
    folder = folder / "TSeries-01"
    folder.mkdir()
    planes = movie.shape[1]
    kind = "TSeries ZSeries Element" if planes > 1 else "TSeries Timed Element"
    sequences = []
    for frame, volume in enumerate(movie):
        frames = []
        for plane, images in enumerate(volume):
            files = []
            for channel, image in enumerate(images, start=1):
                name = f"TSeries-01_Cycle{frame + 1:05d}_Ch{channel}_{plane + 1:06d}.ome.tif"
                tifffile.imwrite(folder / name, image, metadata=None)
                files.append(f'<File channel="{channel}" channelName="Ch{channel}" page="1" filename="{name}" />')
            time = (frame + plane / planes) / RATE
            frames.append(f'<Frame relativeTime="{time}" absoluteTime="{time}" index="1">{"".join(files)}</Frame>')
        sequences.append("".join(frames))
    body = (
        "".join(f'<Sequence type="{kind}" cycle="{n}">{each}</Sequence>' for n, each in enumerate(sequences))
        if planes > 1
        else f'<Sequence type="{kind}" cycle="0">{"".join(sequences)}</Sequence>'
    )
    (folder / "TSeries-01.xml").write_text(f'<PVScan version="5.6.64.400">{body}</PVScan>')
    return [folder]


def thor(folder: Path, movie: np.ndarray) -> Written:
    """ThorImage: OME-TIFF beside Experiment.xml, which tells the rate of single frames."""
    tifffile.imwrite(folder / "Image.tif", movie, ome=True, photometric="minisblack", metadata={"axes": "TZCYX"})
    names = "".join(f'<Wavelength name="Chan{name}" />' for name in "AB"[: movie.shape[2]])
    (folder / "Experiment.xml").write_text(
        f'<ThorImageExperiment><Date uTime="1772323200" /><Wavelengths>{names}</Wavelengths>'
        f'<LSM frameRate="{RATE * movie.shape[1]}" /></ThorImageExperiment>'
    )
    return [folder]


def thor_stream(folder: Path, movie: np.ndarray) -> Written:
    """A `.raw` beside Experiment.xml, with a flyback frame after every volume."""
    planes, channels, height, width = movie.shape[1:]
    flyback = int(planes > 1)
    np.concatenate([movie, np.zeros((len(movie), flyback, *movie.shape[2:]), "uint16")], axis=1).tofile(
        folder / "Image_0001_0001.raw"
    )
    names = "".join(f'<Wavelength name="Chan{name}" />' for name in "AB"[:channels])
    (folder / "Experiment.xml").write_text(
        f"<ThorImageExperiment><Wavelengths>{names}</Wavelengths>"
        f'<LSM pixelX="{width}" pixelY="{height}" frameRate="{2 * RATE * (planes + flyback)}" pixelSizeUM="1.25" '
        f'averageMode="1" averageNum="2" /><ZStage steps="{planes}" /><Streaming enable="1" flybackFrames="{flyback}" '
        f'zFastEnable="{flyback}" /></ThorImageExperiment>'
    )
    return [folder]


def suite2p(folder: Path, movie: np.ndarray) -> Written:
    movie.tofile(folder / "data_raw.bin")
    frames, _, _, height, width = movie.shape
    np.save(folder / "ops.npy", np.array({"Ly": height, "Lx": width, "nframes": frames, "fs": RATE}, object))
    return [folder / "data_raw.bin"]


def femtonics(folder: Path, movie: np.ndarray) -> Written:
    """MESc: a snapshot and a movie, each with all its channels."""
    with h5py.File(folder / "m.mesc", "w") as store:
        for unit, part in (("MUnit_0", movie[:1]), ("MUnit_1", movie)):
            group = store.create_group(f"MSession_0/{unit}")
            group.attrs["VecChannelsSize"] = movie.shape[2]
            group.attrs["ZAxisConversionConversionLinearScale"] = 1000 / RATE
            group.attrs["ZAxisConversionUnitName"] = np.frombuffer(b"ms", np.uint8).astype(np.uint16)
            for channel in range(movie.shape[2]):
                group.attrs[f"Channel_{channel}_Name"] = np.array([ord("U"), ord("GR"[channel])], np.uint16)
                group[f"Channel_{channel}"] = part[:, 0, channel]
    return [folder / "m.mesc"]


def avi(folder: Path, movie: np.ndarray) -> Written:
    with av.open(folder / "m.avi", "w") as out:
        stream = out.add_stream("ffv1", rate=Fraction(RATE) * movie.shape[1] * movie.shape[2])
        stream.height, stream.width, stream.pix_fmt = *movie.shape[-2:], "gray16le"
        for image in movie.reshape(-1, *movie.shape[-2:]):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray16le")))
        out.mux(stream.encode())
    return [folder / "m.avi"]


def micromanager(folder: Path, movie: np.ndarray) -> Written:
    """Two OME-TIFF files with Micro-Manager's own header, and its display settings."""
    images = pages(movie)
    cuts = {"m_MMStack.ome.tif": images[:6], "m_MMStack_1.ome.tif": images[6:]}
    summary = {"Width": 10, "Height": 12, "Channels": 1, "Slices": 1, "ChNames": ["GFP"], "Interval_ms": 1000 / RATE}
    blocks, time = [], 0
    for name, part in cuts.items():
        for page in range(len(part)):
            place = f'FirstC="0" FirstT="{time}" FirstZ="0" IFD="{page}" PlaneCount="1"'
            blocks.append(f'<TiffData {place}><UUID FileName="{name}">urn:uuid:0</UUID></TiffData>')
            time += 1
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2013-06"><Image ID="Image:0">'
        f'<Pixels DimensionOrder="XYCZT" SizeC="1" SizeT="{time}" SizeX="10" SizeY="12" SizeZ="1" Type="uint16">'
        f"{''.join(blocks)}</Pixels></Image></OME>"
    )
    for name, part in cuts.items():
        text = json.dumps(summary).encode()
        with tifffile.TiffWriter(folder / name, byteorder="<") as out:
            header = (54773648, 0, 483765892, 0, 99384722, 0, 2355492, len(text))
            out.filehandle.write(struct.pack("<IIIIIIII", *header) + text)
            for image in part:
                tag = [(51123, 2, 0, '{"Frame": 0}', False)]
                out.write(image, contiguous=False, metadata=None, description=xml, extratags=tag)
    (folder / "DisplaySettings.json").write_text(json.dumps({"map": {"PlaybackFPS": {"scalar": 99.0}}}))
    return [folder]


@dataclass(frozen=True)
class Case:
    """One way to store a movie."""

    write: Callable[[Path, np.ndarray], Written]
    format: str
    planes: int = 1
    channels: int = 1
    dtypes: tuple[str, ...] = ("uint16",)
    rate: bool = True
    """The file tells the frame rate."""
    pixel_size: float | None = None

    def __str__(self) -> str:
        return f"{self.format}-{self.write.__name__}-{self.planes}z-{self.channels}c"


CASES = (
    Case(plain_tiff, "tiff", rate=False, dtypes=("uint8", "int8", "uint16", "int16", "uint32", "int32")),
    Case(plain_tiff, "tiff", planes=3, channels=2, rate=False),
    Case(two_tiffs, "tiff", planes=3, channels=1, rate=False),
    Case(two_tiffs, "tiff", planes=2, channels=2, rate=False),
    Case(bigtiff, "tiff", rate=False),
    Case(big_endian_tiff, "tiff", planes=2, rate=False, dtypes=("uint16", "int32")),
    Case(compressed_tiff, "tiff", planes=2, channels=2, rate=False),
    Case(tiled_tiff, "tiff", rate=False),
    Case(array_tiff, "tiff", planes=2, rate=False),
    Case(imagej_tiff, "tiff", planes=3, channels=2, pixel_size=1.25),
    Case(imagej_tiff, "tiff", channels=2, pixel_size=1.25),
    Case(imagej_stack, "tiff", planes=2, channels=2, rate=False),
    Case(ome_tiff, "tiff", pixel_size=1.25),
    Case(ome_tiff, "tiff", planes=3, channels=2, pixel_size=1.25, dtypes=("int16", "uint16")),
    Case(ome_tiff_by_channel, "tiff", planes=3, channels=2, pixel_size=1.25),
    Case(scanimage_tiff, "tiff", dtypes=("int16",), pixel_size=1.25),
    Case(scanimage_tiff, "tiff", channels=2, dtypes=("int16",), pixel_size=1.25),
    Case(scanimage_flyback, "tiff", planes=3, channels=2, dtypes=("int16",), pixel_size=1.25),
    Case(hdf5, "hdf5", planes=2),
    Case(hdf5_planes, "hdf5", planes=2, dtypes=("int16",)),
    Case(nwb, "nwb", pixel_size=1.25),
    Case(nwb, "nwb", planes=3, pixel_size=1.25),
    Case(zarr_array, "zarr", planes=2, channels=2, rate=False),
    Case(zarr_2, "zarr", rate=False),
    Case(ome_zarr, "zarr", planes=3, channels=2, rate=False),
    Case(npy, "npy", planes=2, channels=2, rate=False),
    Case(npy_big_endian_planes, "npy", planes=3, rate=False, dtypes=("int16", "uint32")),
    Case(scanbox, "scanbox"),
    Case(scanbox, "scanbox", planes=3, channels=2),
    Case(bruker, "bruker"),
    Case(bruker, "bruker", channels=2),
    Case(bruker, "bruker", planes=3),
    Case(thor, "thor"),
    Case(thor, "thor", planes=3, channels=2),
    Case(thor_stream, "thor", pixel_size=1.25),
    Case(thor_stream, "thor", planes=3, channels=2, pixel_size=1.25),
    Case(suite2p, "suite2p", dtypes=("int16",)),
    Case(femtonics, "femtonics", channels=2),
    Case(micromanager, "micromanager"),
    Case(avi, "avi", dtypes=("uint16",)),
)


def test_every_format_has_its_case():
    # Inscopix has a test of its own: it needs the maker's library. So has CaImAn, whose pixels are float32.
    assert {case.format for case in CASES} | {"inscopix", "caiman"} == set(FORMATS)


def session_of(case: Case, **changes) -> Session:
    given = {
        "subject": "M01",
        "session": "001",
        "path": "given to ingest",
        "format": case.format,
        "planes": case.planes,
        "channels": case.channels,
        "indicator": "GCaMP6s",
        "frame_rate": None if case.rate else RATE,
    }
    return Session.model_validate(given | changes)


@pytest.mark.filterwarnings("ignore:.*planes are taken to go on:UserWarning")
@pytest.mark.filterwarnings("ignore:.*averaged 2 scans:UserWarning")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_plane_and_channel_is_as_written(case, tmp_path):
    for dtype in case.dtypes:
        folder = tmp_path / dtype
        folder.mkdir()
        movie = golden(case.planes, case.channels, dtype)
        files = case.write(folder, movie)
        for plane in range(case.planes):
            for channel in range(1, case.channels + 1):
                found = ingest(session_of(case, functional_channel=channel), files, plane, tmp_path / "movie.npy")
                written = open_movie(tmp_path / "movie.npy")
                np.testing.assert_array_equal(written, movie[:, plane, channel - 1])
                assert written.dtype == np.dtype(dtype)
                assert found.acquisition.dtype == dtype
                assert found.acquisition.shape == written.shape
                assert found.acquisition.frame_rate == pytest.approx(RATE, rel=1e-6)
                assert found.acquisition.pixel_size == pytest.approx(case.pixel_size)
                assert sum(source.frames for source in found.acquisition.sources) >= movie[..., 0, 0].size
                for other in {1, 2} & set(range(1, case.channels + 1)) - {channel}:
                    expected = movie[:, plane, other - 1].mean(0)
                    np.testing.assert_allclose(found.images[f"channel_{other}"], expected, rtol=1e-5)


def test_inscopix_is_as_written(tmp_path):
    """Written by the maker's own library, so it runs only where that is installed."""
    isx = pytest.importorskip("isx")
    movie = golden()[:, 0, 0]
    timing = isx.Timing(num_samples=len(movie), period=isx.Duration.from_usecs(round(1e6 / RATE)))
    out = isx.Movie.write(str(tmp_path / "m.isxd"), timing, isx.Spacing(num_pixels=movie.shape[1:]), np.uint16)
    for frame, image in enumerate(movie):
        out.set_frame_data(frame, image)
    out.flush()
    found = ingest(session_of(Case(npy, "inscopix")), [tmp_path / "m.isxd"], 0, tmp_path / "movie.npy")
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.npy"), movie)
    assert found.acquisition.frame_rate == pytest.approx(RATE, rel=1e-3)


def test_inscopix_without_its_library_says_what_to_install(tmp_path):
    try:
        import isx  # noqa: F401
    except ImportError:
        (tmp_path / "m.isxd").write_bytes(b"x" * 100)
        with pytest.raises(InputError, match=r"m\.isxd: .*pip install isx"):
            open_raw(tmp_path / "m.isxd", "inscopix")
    else:
        pytest.skip("isx is installed")


def test_scanbox_agrees_with_roiextractors(tmp_path):
    """Same pixels as the field's reader, where that one can read the file; and the rate with its fraction."""
    from roiextractors import SbxImagingExtractor

    scanbox(tmp_path, golden())
    theirs = SbxImagingExtractor(tmp_path / "m.sbx")
    ours = open_raw(tmp_path / "m.sbx", "scanbox")
    images = np.empty((ours.frames, ours.height, ours.width), ours.dtype)
    ours.read(np.arange(ours.frames), images)
    np.testing.assert_array_equal(images, theirs.get_series())
    assert int(ours.metadata.frame_rate) == theirs.get_sampling_frequency()


def test_imagej_above_4_gigabytes(tmp_path):
    """One page, then raw frames; a sparse file, so that it takes no room. Frames on both sides of 4 GB are read."""
    path = tmp_path / "large.tif"
    frames, height, width = 2200, 1024, 1024
    description = f"ImageJ=1.54f\nimages={frames}\nframes={frames}\nfinterval={1 / RATE}\ntunit=sec\nunit=micron\n"
    tifffile.imwrite(path, np.zeros((height, width), np.uint16), description=description, metadata=None)
    with tifffile.TiffFile(path) as tif:
        start = tif.pages.first.dataoffsets[0]
    size = height * width * 2
    # ImageJ writes the page first; here it lies before the frames too.
    marked = {0: 5, 1: 6, 2047: 7, 2048: 8, frames - 1: 9}
    with path.open("r+b") as out:
        out.truncate(start + frames * size)
        for frame, value in marked.items():
            out.seek(start + frame * size)
            out.write(np.full((height, width), value, np.uint16).tobytes())
    assert path.stat().st_size > 2**32
    raw = open_raw(path, "tiff")
    assert (raw.frames, raw.height, raw.width) == (frames, height, width)
    assert raw.metadata.frame_rate == pytest.approx(RATE)
    images = np.empty((len(marked), height, width), raw.dtype)
    raw.read(np.array(list(marked)), images)
    assert [int(image.min()) for image in images] == [int(image.max()) for image in images] == list(marked.values())


def test_ome_tiff_of_several_files(tmp_path):
    """Each file tells of the whole set; all are needed, and give the whole movie."""
    movie = golden()
    micromanager(tmp_path, movie)
    files = [tmp_path / "m_MMStack.ome.tif", tmp_path / "m_MMStack_1.ome.tif"]
    case = Case(plain_tiff, "tiff", rate=False)
    ingest(session_of(case), files, 0, tmp_path / "movie.npy")
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.npy"), movie[:, 0, 0])
    with pytest.raises(InputError, match=r"one of 2 files of a data set, m_MMStack_1\.ome\.tif is not in the sheet"):
        ingest(session_of(case), files[:1], 0, tmp_path / "other.npy")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize(
    ("low", "high", "expected"), [(-5, 300, "int16"), (0, 40_000, "uint16"), (-5, 70_000, "int32")]
)
def test_whole_numbers_in_a_wide_type_are_kept_in_the_smallest_that_holds_them(dtype, low, high, expected, tmp_path):
    movie = np.random.default_rng(0).integers(low, high, (11, 12, 10), endpoint=True)
    movie[0, 0, :2] = low, high
    np.save(tmp_path / "m.npy", movie.astype(dtype))
    found = ingest(session_of(Case(npy, "npy", rate=False)), [tmp_path / "m.npy"], 0, tmp_path / "movie.npy")
    written = open_movie(tmp_path / "movie.npy")
    assert (found.acquisition.dtype, written.dtype.name) == (expected, expected)
    np.testing.assert_array_equal(written, movie)
