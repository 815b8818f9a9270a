"""The formats of raw movies. One more is a module here that declares `FORMAT`, and its name below."""

from importlib import import_module

from groundtrace.movies.raw import Format

NAMES = (
    "tiff",
    "hdf5",
    "nwb",
    "zarr",
    "npy",
    "scanbox",
    "bruker",
    "thor",
    "femtonics",
    "micromanager",
    "inscopix",
    "suite2p",
    "caiman",
    "avi",
)


def module_of(name: str) -> str:
    """Module of a format, which decides what is read."""
    return f"{__name__}.{name}"


# Imported by name, which the hash of the code does not follow: a session depends on the reader of its own format only.
FORMATS: dict[str, Format] = {name: import_module(module_of(name)).FORMAT for name in NAMES}
SUFFIXES = {suffix: name for name, format in FORMATS.items() for suffix in format.suffixes}
CONVERT = {
    ".czi": "save it as OME-TIFF: in ZEN (Export), or with `bfconvert in.czi out.ome.tif` of Bio-Formats",
    ".lif": "save it as OME-TIFF: in LAS X (Export), or with `bfconvert in.lif out.ome.tif` of Bio-Formats",
    ".oir": "save it as OME-TIFF: in FluoView (Export), or with `bfconvert in.oir out.ome.tif` of Bio-Formats",
    ".oib": "save it as OME-TIFF: in FluoView (Export), or with `bfconvert in.oib out.ome.tif` of Bio-Formats",
    ".lsm": "save it as OME-TIFF: in ZEN (Export), or with `bfconvert in.lsm out.ome.tif` of Bio-Formats",
    ".zvi": "save it as OME-TIFF with `bfconvert in.zvi out.ome.tif` of Bio-Formats",
    ".oif": "save it as OME-TIFF: in FluoView (Export), or with `bfconvert in.oif out.ome.tif` of Bio-Formats",
    ".ims": "save it as OME-TIFF: in Imaris (File > Export), or with `bfconvert in.ims out.ome.tif` of Bio-Formats",
    ".sld": "save it as OME-TIFF: in SlideBook (Export), or with `bfconvert in.sld out.ome.tif` of Bio-Formats",
    ".stk": "save it as a TIFF stack: in MetaMorph, or with `bfconvert in.stk out.ome.tif` of Bio-Formats",
    ".vsi": "save it as OME-TIFF with `bfconvert in.vsi out.ome.tif` of Bio-Formats",
    ".nd2": "save it as OME-TIFF: in NIS-Elements (Export), with `nd2.ND2File('in.nd2').write_tiff('out.ome.tif')` of "
    "the Python package nd2, or with `bfconvert in.nd2 out.ome.tif` of Bio-Formats",
    **dict.fromkeys(
        (".mp4", ".mov", ".mkv", ".wmv", ".m4v"),
        "compressed video has lost what the noise tells: use the file that it was made from",
    ),
    ".mj2": "save it as TIFF: in MATLAB, read(VideoReader('in.mj2')) and imwrite(…, 'WriteMode', 'append')",
    ".dcimg": "save it as TIFF: in HCImage (Export), or with the Python package dcimg and tifffile.imwrite",
}
"""What to do with files of formats that are not read, by suffix."""
