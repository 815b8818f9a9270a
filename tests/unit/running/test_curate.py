"""The server of `make curate`: it shows pages, saves curations, and refuses everything else."""

import http.client
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from groundtrace.config import load
from groundtrace.curation.file import LIMIT
from groundtrace.running.curate import HOST, Server

SHEET = "subject\tsession\tplanes\tframe_rate\tindicator\tsimulate\na\t1\t2\t30\tGCaMP6s\tsmall\n"
PAGE = "sub-a/ses-1/plane-1/report-default.html"
HTML = """<meta content="default-src 'none'; img-src data:; script-src 'sha256-x'"><title>a</title><body>"""
TSV = b"session\tplane\troi\taccepted\nsub-a/ses-1\t1\t0\ttrue\n"


@dataclass
class Site:
    folder: Path
    port: int
    path: str

    def ask(self, method: str, path: str, body: bytes = b"", token: bool = True, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, (self.path if token else "/") + path, body or None, names)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    @property
    def written(self) -> list[str]:
        folder = self.folder / "curation"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    results = tmp_path / "results"
    (results / PAGE).parent.mkdir(parents=True)
    for name in ("index.html", PAGE):
        (results / name).write_text(HTML)
    (results / "study.parquet").write_bytes(b"PAR1")
    (results / "logs").mkdir()
    (results / "logs/study.log").write_text("done")
    (tmp_path / "secret.html").write_text("secret")
    (results / "link.html").symlink_to(tmp_path / "secret.html")
    (tmp_path / "sessions.tsv").write_text(SHEET)
    config = load(
        {
            "sessions": str(tmp_path / "sessions.tsv"),
            "results": str(results),
            "curation": str(tmp_path / "curation"),
            "simulation": {"small": {}},
        }
    )
    made = Server(config, 0)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(made.serve_forever, 0.02)
        yield Site(tmp_path, made.server_address[1], urlsplit(made.address).path)
        made.shutdown()
    made.server_close()


def test_it_listens_on_loopback_alone(site):
    listening = socket.create_connection((HOST, site.port), timeout=5)
    assert listening.getpeername()[0] == "127.0.0.1"
    listening.close()
    own = {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in own:
        with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
            socket.create_connection((address, site.port), timeout=5)


def test_pages_are_shown_and_only_session_pages_can_save(site):
    assert site.ask("GET", "") == (200, HTML)
    assert site.ask("GET", "logs/study.log") == (200, "done")
    status, page = site.ask("GET", PAGE)
    assert status == 200
    assert "default-src 'none'; img-src data:; connect-src 'self'; script-src 'sha256-" in page
    assert "window.saveCuration" in page
    assert (site.folder / "results" / PAGE).read_text() == HTML


def test_what_a_page_sends_is_saved_where_the_workflow_reads_it(site):
    status, told = site.ask("PUT", PAGE, TSV)
    assert status == 200
    assert told.startswith("1 decision is saved as ")
    assert site.written == ["sub-a/ses-1/plane-1/default.tsv"]
    assert (site.folder / "curation" / site.written[0]).read_bytes() == TSV
    assert site.ask("PUT", PAGE, TSV.replace(b"true", b"false"))[0] == 200
    assert b"false" in (site.folder / "curation" / site.written[0]).read_bytes()


@pytest.mark.parametrize("path", ["", "index.html", PAGE, "../index.html"])
def test_without_the_token_nothing_is_told_or_saved(site, path):
    for other in ("", "x" * 24 + "/", site.path.strip("/")[:-1] + "/"):
        assert site.ask("GET", other + path, token=False)[0] == 403
        assert site.ask("PUT", other + path, TSV, token=False)[0] == 403
    assert site.written == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_a_name_that_was_turned_to_this_address_is_refused(site, host):
    """DNS rebinding: the browser of a user asks this server in the name of another site."""
    host = host.format(port=site.port)
    assert site.ask("GET", PAGE, Host=host)[0] == 403
    assert site.ask("PUT", PAGE, TSV, Host=host)[0] == 403
    assert site.written == []
    assert site.ask("GET", PAGE, Host=f"localhost:{site.port}")[0] == 200


def test_another_site_may_not_save(site):
    assert site.ask("PUT", PAGE, TSV, Origin="http://evil.example")[0] == 403
    assert site.ask("PUT", PAGE, TSV, Origin="null")[0] == 403
    assert site.written == []
    assert site.ask("PUT", PAGE, TSV, Origin=f"http://127.0.0.1:{site.port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "..%2fsecret.html",
        "sub-a/../../secret.html",
        "%2e%2e/secret.html",
        "/etc/hostname",
        "link.html",
        "study.parquet",
        "sub-a",
        "x" * 5000 + ".html",
        "%00.html",
    ],
)
def test_no_file_but_pages_and_logs_of_the_results_is_shown(site, path):
    status, said = site.ask("GET", path)
    assert (status, said) == (404, "no such page")


@pytest.mark.parametrize(
    "path",
    [
        "../curation/x.tsv",
        "sub-a/ses-1/plane-1/../../../../../report-default.html",
        "..%2f..%2fsub-a/ses-1/plane-1/report-default.html",
        "sub-a/ses-1/plane-9/report-default.html",
        "sub-b/ses-1/plane-0/report-default.html",
        "sub-a/ses-1/plane-1/report-other.html",
        "sub-a/ses-1/plane-1/report-../default.html",
        "index.html",
        "",
    ],
)
def test_only_planes_and_recipes_of_the_study_are_saved(site, path):
    status, said = site.ask("PUT", path, TSV)
    assert status == 400
    assert "no page of this study" in said
    assert site.written == []
    assert sorted(path.name for path in site.folder.iterdir()) == ["results", "secret.html", "sessions.tsv"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"roi\taccepted\n1\tmaybe\n", "accepted: 'maybe' is not allowed"),
        (TSV.replace(b"sub-a", b"sub-b"), "session: is of sub-b/ses-1"),
        (b"<script>", "unknown column '<script>'"),
        (b"\xff\xfe", "is no UTF-8 text"),
        (b"", "needs the columns accepted"),
    ],
)
def test_only_a_valid_file_is_saved_and_the_old_one_stays(site, body, said):
    site.ask("PUT", PAGE, TSV)
    status, told = site.ask("PUT", PAGE, body, Content_Length=str(len(body)))
    assert status == 400
    assert said in told
    assert (site.folder / "curation" / site.written[0]).read_bytes() == TSV


def test_a_flood_is_refused_before_it_is_read(site):
    assert site.ask("PUT", PAGE, b"x", Content_Length=str(LIMIT + 1))[0] == 413
    assert site.ask("PUT", PAGE, b"x", Content_Length="-1")[0] == 411
    assert site.written == []


def test_other_methods_are_no_way_in(site):
    for method in ("POST", "DELETE", "HEAD", "OPTIONS", "TRACE"):
        assert site.ask(method, PAGE)[0] == 501
    assert site.written == []


def test_a_link_that_leads_out_of_the_folder_is_not_followed(site):
    outside = site.folder / "outside"
    outside.mkdir()
    (site.folder / "curation").mkdir()
    (site.folder / "curation/sub-a").symlink_to(outside)
    status, said = site.ask("PUT", PAGE, TSV)
    assert status == 400
    assert "leads out of" in said
    assert list(outside.iterdir()) == []


def test_every_start_has_a_token_of_its_own_that_no_other_site_learns(site, tmp_path):
    tokens = set()
    for _ in range(3):
        made = Server(load({"sessions": str(tmp_path / "sessions.tsv"), "simulation": {"small": {}}}), 0)
        made.server_close()
        tokens.add(made.address.rstrip("/").rpartition("/")[2])
    assert len(tokens) == 3
    assert all(re.fullmatch(r"[\w-]{24}", token) for token in tokens)
    connection = http.client.HTTPConnection(HOST, site.port, timeout=10)
    connection.request("GET", site.path)
    answer = connection.getresponse()
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Access-Control-Allow-Origin" not in answer.headers
