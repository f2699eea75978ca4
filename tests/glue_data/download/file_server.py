"""A local HTTP server that misbehaves on request, for the tests of downloads."""

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Site:
    """What the server holds and how it behaves.

    Attributes:
      files: path -> bytes.
      etag: Sent with every file, and compared with If-Range; "" sends none.
      cut_after: The next answers send so many bytes of the body only; one number is used up per answer.
      busy: So many answers are 503.
      ranges: Whether Range is honoured; honest servers ignore If-Range never.
      check_if_range: Whether If-Range is honoured.
      asked: (path, Range header) of every request.
    """

    files: dict[str, bytes]
    etag: str = '"v1"'
    cut_after: list[int] = field(default_factory=list)
    busy: int = 0
    ranges: bool = True
    check_if_range: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Runs the site on a free port of this machine; `site.url` is its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append((self.path, wanted))
            if site.busy:
                site.busy -= 1
                self.send_error(503)
            elif self.path not in site.files:
                self.send_error(404)
            else:
                self.answer(site.files[self.path], wanted)

        def answer(self, body: bytes, wanted: str) -> None:
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
            if site.check_if_range and self.headers.get("If-Range", site.etag) != site.etag:
                start = 0
            if start and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if site.etag:
                self.send_header("ETag", site.etag)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = site.cut_after.pop(0) if site.cut_after else len(body)
            self.wfile.write(body[start:][:cut])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return stream.getvalue()


def names(folder: Path) -> set[str]:
    """What is in a folder."""
    return {path.name for path in folder.iterdir()}
