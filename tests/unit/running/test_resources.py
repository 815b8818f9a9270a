"""What jobs ask for: a row for every rule and backend, the right size for every session."""

import re
from pathlib import Path

import numpy as np
import pytest

from groundtrace.acquisition import Acquisition, SourceFile
from groundtrace.config import STAGES, own_backends
from groundtrace.extraction.suite2p import Suite2pExtraction
from groundtrace.extraction.transients import Transients
from groundtrace.needs import Size
from groundtrace.running.resources import FIELD, NEEDS, mem_mb, recorded, runtime, simulated
from groundtrace.section import Backend
from groundtrace.sessions import Session
from groundtrace.simulation.parameters import Simulation

ROOT = Path(__file__).resolve().parents[3]
BACKENDS = {f"{stage}/{kind.model_fields['backend'].default}": kind for stage in STAGES for kind in own_backends(stage)}
ASKED = NEEDS | {name: kind.need for name, kind in BACKENDS.items()}
SIZES = [Size(frames, side**2) for side, frames in ((128, 1000), (256, 3000), (512, 3000), (512, 20_000))]


@pytest.fixture
def recording(tmp_path) -> Session:
    np.save(tmp_path / "movie.npy", np.zeros((50, 40, 60), np.int16))
    return Session(subject="a", session="1", path=str(tmp_path / "movie.npy"), planes=2, indicator="GCaMP6f")


def test_every_rule_and_every_backend_has_its_need():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    asked = set(re.findall(r'memory\("(\w+)"\)', rules))
    assert asked == set(re.findall(r'time_limit\("(\w+)"\)', rules))
    assert NEEDS.keys() == (asked - STAGES.keys()) | {"dff/smoothed"}
    assert [name for name, kind in BACKENDS.items() if kind.need is Backend.need] == []


@pytest.mark.parametrize("key", ASKED)
def test_larger_movies_never_need_less(key):
    asked = [(mem_mb(ASKED[key], size, 1, 1), runtime(ASKED[key], size, 1)) for size in SIZES]
    assert asked == sorted(asked)
    assert all(memory >= 500 for memory, _ in asked)


def test_a_retry_asks_for_more():
    need, size = NEEDS["ingest"], SIZES[0]
    assert mem_mb(need, size, 1, 2) == pytest.approx(1.5 * mem_mb(need, size, 1, 1), abs=1)
    assert runtime(need, size, 3) >= 4 * runtime(need, size, 1) - 4


def test_a_simulated_session_is_known_by_its_config():
    session = Session(subject="a", session="1", simulate="s", planes=3, frame_rate=10, indicator="GCaMP6f")
    parameters = Simulation(frames=500, height=100, width=200)
    assert simulated(parameters, session) == Size(500, 20_000, 10)
    assert simulated(parameters, session, session.planes).gigabytes == pytest.approx(0.06)


def test_a_real_session_is_known_by_its_files_until_ingest_has_read_them(recording, tmp_path):
    path = tmp_path / "acquisition.json"
    before = recorded(recording, str(path))
    assert before.pixels == FIELD
    assert before.gigabytes == pytest.approx((tmp_path / "movie.npy").stat().st_size / 2e9)
    acquisition = Acquisition(
        subject="a",
        session="1",
        plane=0,
        planes=2,
        channels=1,
        functional_channel=1,
        frames=25,
        height=40,
        width=60,
        dtype="int16",
        frame_rate=7.5,
        indicator="GCaMP6f",
        saturation=100,
        sources=(SourceFile(name="movie.npy", sha256="0", frames=50),),
    )
    path.write_text(acquisition.model_dump_json())
    assert recorded(recording, str(path)) == Size(25, 2400, 7.5)


def test_traces_are_known_by_their_table_once_it_is_there(tmp_path):
    size = Size(1000, 200 * 300)
    assert size.with_table(str(tmp_path / "none.parquet")).traces == pytest.approx(300 * 1000 * 8e-6)
    (tmp_path / "fluorescence.parquet").write_bytes(b"x" * 5_000_000)
    assert size.with_table(str(tmp_path / "fluorescence.parquet")).traces == 5


def test_detection_holds_as_many_frames_as_it_has_bins():
    held = [Suite2pExtraction().held_frames(Size(n, 1, 30.0), "GCaMP6s") for n in (9000, 1_000_000)]
    assert held[0] == pytest.approx(9000 / 51, rel=0.01)
    assert held[1] <= Suite2pExtraction().max_bins
    assert Transients().held_frames(Size(9000, 1), "GCaMP6s") == 1
