"""Prairie View folders of all ages: order of the planes, pauses, what was broken off."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from groundtrace.errors import InputError
from groundtrace.movies.ingest import ingest
from groundtrace.movies.opening import open_raw
from groundtrace.sessions import Session

PERIOD = 0.1


def session(**changes) -> Session:
    given = {"subject": "M01", "session": "001", "path": "as given", "indicator": "GCaMP6s", "format": "bruker"}
    return Session.model_validate(given | changes)


def image(value: int) -> np.ndarray:
    """Noise about a pixel that holds its number."""
    full = np.random.default_rng(value).poisson(np.linspace(50, 200, 30)).reshape(6, 5).astype("uint16")
    full[3, 3] = value
    return full


def record(folder: Path, cycles: list[list[tuple[float, int]]], kind: str = "TSeries Timed Element", **options) -> Path:
    """Cycles of (time, value of the image)."""
    folder = folder / "TSeries-1"
    folder.mkdir()
    text, named = "", options.get("named", 'channelName="Ch2"')
    for number, images in enumerate(cycles):
        frames = ""
        for place, (time, value) in enumerate(images):
            name = f"TSeries-1_Cycle{number + 1:05}_Ch2_{place + 1:06}.ome.tif"
            tifffile.imwrite(folder / name, image(value), metadata=None)
            frames += (
                f'<Frame relativeTime="{time - images[0][0]}" absoluteTime="{time}" index="{place + 1}">'
                f'<File channel="2" {named} page="1" filename="{name}" /></Frame>'
            )
        text += f'<Sequence type="{kind}" cycle="{number + 1}" {options.get("sequence", "")}>{frames}</Sequence>'
    (folder / options.get("xml", "TSeries-1.xml")).write_text(f'<PVScan version="5.6">{text}</PVScan>')
    return folder


def values(path: Path) -> list[int]:
    return np.load(path)[:, 3, 3].tolist()


def test_pauses_between_cycles_are_told_and_times_show_them(tmp_path):
    cycles = [[(cycle * 5 + k * PERIOD, 10 * cycle + k) for k in range(10)] for cycle in range(3)]
    with pytest.warns(UserWarning, match=r"2 gaps, .* of 8 s or 80 frames .*: 4 s \(40 frames\) after 10 frames"):
        found = ingest(session(), [record(tmp_path, cycles)], 0, tmp_path / "movie.npy")
    assert found.acquisition.frame_rate == pytest.approx(1 / PERIOD)
    assert found.frames["segment"].to_list() == [0] * 10 + [1] * 10 + [2] * 10
    assert found.frames["time"][20] == pytest.approx(10)


@pytest.mark.filterwarnings("error")
def test_times_that_jitter_do_not_matter_and_the_rate_of_the_sheet_wins(tmp_path):
    jitter = np.random.default_rng(0).normal(0, 20e-6, 40)
    path = record(tmp_path, [[(k * PERIOD + jitter[k], k) for k in range(40)]])
    found = ingest(session(frame_rate=10.05), [path], 0, tmp_path / "movie.npy")
    assert found.acquisition.frame_rate == 10.05
    assert found.frames["segment"].unique().to_list() == [0]


def volumes(count: int, orders: tuple[tuple[int, ...], ...]) -> list[list[tuple[float, int]]]:
    """The value of an image is 100 times its depth, plus its volume."""
    return [[((3 * v + i) * PERIOD, 100 * z + v) for i, z in enumerate(orders[v % len(orders)])] for v in range(count)]


@pytest.mark.filterwarnings("error")
def test_volumes_scanned_up_and_down_are_turned_round(tmp_path):
    cycles = volumes(8, ((0, 1, 2), (2, 1, 0)))
    path = record(tmp_path, cycles, "TSeries ZSeries Element", sequence='bidirectionalZ="True"')
    for plane in range(3):
        found = ingest(session(planes=3), [path], plane, tmp_path / "movie.npy")
        assert values(tmp_path / "movie.npy") == [100 * plane + v for v in range(8)]
        assert found.acquisition.frame_rate == pytest.approx(1 / (3 * PERIOD))
        assert found.frames["segment"].unique().to_list() == [0]


def test_a_volume_that_was_broken_off_is_left_out(tmp_path):
    cycles = volumes(8, ((0, 1, 2),))
    cycles[-1] = cycles[-1][:1]
    path = record(tmp_path, cycles, "TSeries ZSeries Element")
    with pytest.warns(UserWarning, match=r"1 of 8 volumes \(1 images\) are broken off or lack a file"):
        ingest(session(planes=3), [path], 1, tmp_path / "movie.npy")
    assert values(tmp_path / "movie.npy") == [100 + v for v in range(7)]


def test_a_frame_whose_file_is_gone_is_left_out_and_leaves_a_gap(tmp_path):
    path = record(tmp_path, [[(k * PERIOD, k) for k in range(20)]])
    (path / "TSeries-1_Cycle00001_Ch2_000006.ome.tif").unlink()
    with pytest.warns(UserWarning, match=r"1 of 20 frames .* lack a file") as caught:
        ingest(session(), [path], 0, tmp_path / "movie.npy")
    assert values(tmp_path / "movie.npy") == [*range(5), *range(6, 20)]
    assert any("1 gap, by lost frames" in str(each.message) for each in caught)


def test_a_folder_of_version_3_of_another_name(tmp_path):
    """Without names of channels, and the XML named otherwise than the folder."""
    path = record(tmp_path, [[(21 + k * PERIOD, k) for k in range(9)]], named="", xml="Old-7.xml")
    raw = open_raw(path, "bruker")
    assert (raw.metadata.planes, raw.metadata.channels, raw.frames) == (1, 1, 9)
    ingest(session(), [path], 0, tmp_path / "movie.npy")
    assert values(tmp_path / "movie.npy") == list(range(9))
    (path / "Old-8.xml").write_text((path / "Old-7.xml").read_text())
    with pytest.raises(InputError, match=r"TSeries-1\.xml, .* is not in the folder; copy it there. It holds 2 others"):
        open_raw(path, "bruker")


def test_pixel_size_of_old_and_new_versions(tmp_path):
    path = record(tmp_path, [[(k * PERIOD, k) for k in range(9)]])
    xml = path / "TSeries-1.xml"
    new = '<PVStateValue key="micronsPerPixel"><IndexedValue index="XAxis" value="0.5" /></PVStateValue>'
    xml.write_text(xml.read_text().replace("</PVScan>", f"{new}</PVScan>"))
    assert open_raw(path, "bruker").metadata.pixel_size == 0.5
    xml.write_text(xml.read_text().replace(new, '<Key key="micronsPerPixel_XAxis" value="0.44" />'))
    assert open_raw(path, "bruker").metadata.pixel_size == 0.44
