"""Several sources become one table; archives from the web are checked before they are opened."""

import hashlib
import io
import ssl
import subprocess
import tarfile
import threading
import zipfile
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import numpy as np
import polars as pl
import pytest

from groundtrace.config import load
from groundtrace.errors import InputError
from groundtrace.groundtruth.importers.load import load_sources
from groundtrace.groundtruth.parameters import GroundTruthSource

HASH = "0" * 64


def parquet(dataset: str) -> bytes:
    """A table with one recording."""
    time = (np.arange(90) / 30).tolist()
    row = {"dataset": dataset, "neuron": "a", "indicator": "GCaMP6s", "time": time, "dff": time, "spike_times": [1.0]}
    file = io.BytesIO()
    pl.DataFrame([row]).write_parquet(file)
    return file.getvalue()


def parquet_source(path) -> GroundTruthSource:
    return GroundTruthSource(source=str(path), format="parquet")


@pytest.fixture
def website(tmp_path_factory, monkeypatch):
    """A folder served over https on this machine, and its address."""
    folder = tmp_path_factory.mktemp("website")
    certificate = folder.parent / "certificate.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        [*command.split(), "-keyout", certificate, "-out", certificate.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    server = HTTPServer(("localhost", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    monkeypatch.setenv("no_proxy", "localhost")
    thread = threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True)
    thread.start()
    yield folder, f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def zipped(path, **files: bytes) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"data/{name}.parquet", content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tarred(path, **files: bytes) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"data/{name}.parquet")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_sources_are_joined(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.parquet").write_bytes(parquet(name))
    names = {name: parquet_source(tmp_path / f"{name}.parquet") for name in ("one", "two")}
    table, origin = load_sources(names)
    assert table["dataset"].to_list() == ["one", "two"]
    expected = [hashlib.sha256(parquet(name)).hexdigest() for name in names]
    assert origin == [{"name": name, "sha256": sha} for name, sha in zip(names, expected, strict=True)]


def test_a_recording_that_comes_twice_is_refused(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.parquet").write_bytes(parquet("same"))
    names = {name: parquet_source(tmp_path / f"{name}.parquet") for name in ("one", "two")}
    with pytest.raises(
        InputError, match=r"ground_truth\.two: recording \('same', 'a', 0\) is also in ground_truth\.one"
    ):
        load_sources(names)


def test_no_source_says_what_to_do():
    with pytest.raises(InputError, match=r"ground_truth: no source is configured"):
        load_sources({})


@pytest.mark.parametrize(
    ("source", "problem"), [("nowhere", "does not exist"), (".", r"holds no \*\.parquet")], ids=["missing", "empty"]
)
def test_a_source_without_files_says_so(tmp_path, monkeypatch, source, problem):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"{source} {problem}; name a folder or file of format parquet"):
        load_sources({"x": parquet_source(source)})


@pytest.mark.parametrize(("archive", "pack"), [("data.zip", zipped), ("data.tar.gz", tarred)], ids=["zip", "tar"])
def test_an_archive_is_fetched_checked_and_imported(website, archive, pack):
    folder, address = website
    sha256 = pack(folder / archive, one=parquet("one"), two=parquet("two"))
    source = GroundTruthSource(source=f"{address}/{archive}", format="parquet", sha256=sha256)
    table, origin = load_sources({"web": source})
    assert table["dataset"].to_list() == ["one", "two"]
    assert origin == [{"name": "web", "sha256": sha256}]


def test_a_wrong_hash_tells_both(website):
    folder, address = website
    sha256 = zipped(folder / "data.zip", one=parquet("one"))
    source = GroundTruthSource(source=f"{address}/data.zip", format="parquet", sha256=HASH)
    with pytest.raises(InputError, match=f"SHA-256 is {sha256}, the config says {HASH}"):
        load_sources({"web": source})


def test_a_missing_page_and_a_broken_archive_are_named(website):
    folder, address = website
    source = GroundTruthSource(source=f"{address}/none.zip", format="parquet", sha256=HASH)
    with pytest.raises(InputError, match=r"none\.zip: not downloaded \(HTTP Error 404"):
        load_sources({"web": source})
    for name in ("broken.zip", "broken.tar.gz"):
        (folder / name).write_bytes(b"not an archive")
        sha256 = hashlib.sha256(b"not an archive").hexdigest()
        source = GroundTruthSource(source=f"{address}/{name}", format="parquet", sha256=sha256)
        with pytest.raises(InputError, match=rf"{name}: not a \.zip or \.tar\.gz that can be unpacked"):
            load_sources({"web": source})


def test_an_archive_cannot_write_outside_its_folder(website):
    folder, address = website
    outside = folder / "outside.parquet"
    with tarfile.open(folder / "evil.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(str(outside))
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
        member = tarfile.TarInfo("../../../../../../../" + str(outside).lstrip("/"))
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    sha256 = hashlib.sha256((folder / "evil.tar.gz").read_bytes()).hexdigest()
    source = GroundTruthSource(source=f"{address}/evil.tar.gz", format="parquet", sha256=sha256)
    with pytest.raises(InputError, match=r"evil\.tar\.gz: not a"):
        load_sources({"web": source})
    assert not outside.exists()


FAULTS = {
    "no hash": ({"source": "https://x.org/a.zip", "format": "cascade"}, "sha256: missing, and required for the URL"),
    "no https": ({"source": "http://x.org/a.zip", "format": "cascade", "sha256": HASH}, "is not an https URL"),
    "no archive": ({"source": "https://x.org/a", "format": "nwb", "sha256": HASH}, "is no archive; allowed are .zip"),
    "hash of a path": ({"source": "data", "format": "nwb", "sha256": HASH}, "sha256: only for a URL"),
    "no hash at all": ({"source": "https://x.org/a.zip", "format": "nwb", "sha256": "abc"}, "sha256: 'abc'"),
    "unknown format": ({"source": "data", "format": "matlab"}, "ground_truth.mine.format: 'matlab' is not allowed"),
    "unknown key": ({"source": "data", "format": "nwb", "indicater": "x"}, "did you mean 'indicator'?"),
    "unknown class": (
        {"source": "data", "format": "nwb", "cell_class": "glia"},
        "ground_truth.mine.cell_class: 'glia'",
    ),
}


@pytest.mark.parametrize(("raw", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_source_is_told_before_anything_runs(raw, message):
    with pytest.raises(InputError) as error:
        load({"ground_truth": {"mine": raw}})
    assert "ground_truth.mine" in str(error.value)
    assert message in str(error.value)
