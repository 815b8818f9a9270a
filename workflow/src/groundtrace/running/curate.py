"""Serves the pages of a study so that what is decided on them is saved where the workflow reads it.

`python -m groundtrace.running.curate [CONFIG ...]`. Python's own server, for one person at one machine: it listens on
loopback alone, and answers only to whoever knows the token in its address. It reads pages and logs of the folder of
results, and writes files of the folder of curations.
"""

import argparse
import base64
import hashlib
import secrets
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from groundtrace.config import Config, load
from groundtrace.curation.file import LIMIT, parse_curation
from groundtrace.errors import GroundtraceError, InputError
from groundtrace.io import write_text
from groundtrace.running import layout
from groundtrace.running.curations import Curations
from groundtrace.running.status import merged
from groundtrace.sheet import read_sheet

HOST, PORT = "127.0.0.1", 8642
SHOWN = {".html": "text/html; charset=utf-8", ".log": "text/plain; charset=utf-8"}
SAVE = """
window.saveCuration = async (text) => {
  const answer = await fetch(location.pathname, { method: "PUT", body: text });
  const told = await answer.text();
  if (!answer.ok) throw new Error(told);
  return told;
};
"""
"""What a page that is served can do besides: as it lies on the disk, its policy forbids every request."""


class Desk:
    """Pages of a study, and what is decided on them."""

    def __init__(self, config: Config):
        self.config, self.results = config, config.results.resolve()
        sheet = read_sheet(config.sessions, config.simulation)
        self.sessions = sheet.sessions
        # Session pages by their paths below the results.
        rows = layout.study_entries(config, sheet.sessions, sheet.missing).rows
        self.planes = {
            entry.file("report").relative_to(entry.results).as_posix(): (entry.session, entry.plane, entry.recipe)
            for entry in rows
        }

    def read(self, path: str) -> tuple[bytes, str] | None:
        """A page or log below the folder of results and its type; None where there is no such file."""
        try:
            file = (self.results / (path or "index.html")).resolve()
            inside = file.suffix in SHOWN and file.is_relative_to(self.results)
            content = file.read_bytes() if inside else None
        except (OSError, ValueError):
            return None  # nothing there, or a name that no file can have
        if content is None:
            return None
        if file.suffix == ".html":
            content = self._saving(content.decode(), file).encode()
        return content, SHOWN[file.suffix]

    def _saving(self, html: str, file: Path) -> str:
        """A session page that may send what it saves back to where it came from."""
        if file.relative_to(self.results).as_posix() not in self.planes:
            return html
        mark = base64.b64encode(hashlib.sha256(SAVE.encode()).digest()).decode()
        allowed = html.replace("script-src ", f"connect-src 'self'; script-src 'sha256-{mark}' ", 1)
        return allowed.replace("</title>", f"</title>\n<script>{SAVE}</script>", 1)

    def save(self, page: str, data: bytes) -> str:
        """Write what was decided on a page; returns what to tell. Raises InputError, and nothing is written."""
        if page not in self.planes:
            raise InputError(f"{page}: no page of this study; open it from the address that `make curate` tells")
        session, plane, recipe = self.planes[page]
        decisions = len(parse_curation(data, session, plane, "what the page sent"))
        path = Path(Curations.of(self.config, self.sessions).path(session, plane, recipe))
        if not path.resolve().is_relative_to(self.config.curation.resolve()):
            raise InputError(f"{path}: leads out of {self.config.curation}; take the link away")
        write_text(path, data.decode("utf-8-sig"))
        return f"{decisions} decision{' is' if decisions == 1 else 's are'} saved as {path}."


class Handler(BaseHTTPRequestHandler):
    """Answers requests of whoever knows the token."""

    server_version, sys_version, timeout = "groundtrace", "", 30

    def do_GET(self) -> None:
        path = self._asked()
        if path is None:
            return
        found = self._site.desk.read(path)
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, b"no such page")
        else:
            self._answer(HTTPStatus.OK, *found)

    def do_PUT(self) -> None:
        path = self._asked()
        if path is None:
            return
        origin, length = self.headers.get("Origin"), self.headers.get("Content-Length", "")
        if origin is not None and urlsplit(origin).netloc not in self._site.hosts:
            self._answer(HTTPStatus.FORBIDDEN, b"another site may not save here")
        elif not length.isdecimal():
            self._answer(HTTPStatus.LENGTH_REQUIRED, b"Content-Length is missing")
        elif int(length) > LIMIT:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {LIMIT >> 20} MB".encode())
        else:
            self._save(path, self.rfile.read(int(length)))

    def _save(self, path: str, data: bytes) -> None:
        try:
            self._answer(HTTPStatus.OK, self._site.desk.save(path, data).encode())
        except InputError as error:
            self._answer(HTTPStatus.BAD_REQUEST, str(error).encode())
        except OSError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"cannot be written ({error})".encode())

    @property
    def _site(self) -> "Server":
        assert isinstance(self.server, Server)
        return self.server

    def _asked(self) -> str | None:
        """Path below the token; None when the request is refused."""
        if self.headers.get("Host", "") not in self._site.hosts:
            self._answer(HTTPStatus.FORBIDDEN, b"this address is not the server's")
            return None
        first, _, path = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if not secrets.compare_digest(first.encode(), self._site.token.encode()):
            self._answer(HTTPStatus.FORBIDDEN, b"the token is missing: open the address that `make curate` tells")
            return None
        return path

    def _answer(self, status: HTTPStatus, content: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.close_connection = True
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Connection": "close",
            # The token is in the address, which no other site learns.
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: their paths hold the token."""


class Server(ThreadingHTTPServer):
    """Serves the pages of a study from this machine alone. port: 0 takes any that is free."""

    daemon_threads = True

    def __init__(self, config: Config, port: int = PORT):
        self.desk, self.token = Desk(config), secrets.token_urlsafe(18)
        super().__init__((HOST, port), Handler)
        number = self.server_address[1]
        self.hosts = {f"{host}:{number}" for host in (HOST, "localhost")}
        """Names under which it may be called: another one is another site's."""
        self.address = f"http://{HOST}:{number}/{self.token}/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="*", type=Path, help="config files that are read over config/config.yaml")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 takes any that is free")
    given = parser.parse_args()
    try:
        config = load(merged([Path("config/config.yaml"), *given.config]))
        if not (config.results / "index.html").is_file():
            raise InputError(f"{config.results}: has no page yet; run the workflow first")
        server = Server(config, given.port)
    except GroundtraceError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: port {given.port} cannot be used ({error.strerror}); name another with --port, or 0 for any")
    print(f"Pages that save into {config.curation}/: {server.address}\nCtrl-C ends it.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
