"""A page in a browser: a server of it with canned answers, and what the browser makes of it."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from browser import BROWSER

from centrabert.export.page.page import content_security_policy

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"),
    *("--virtual-time-budget=5000", "--dump-dom"),
)


@dataclass
class Parsed(HTMLParser):
    """A document read back.

    Attributes:
      elements: The attributes of each.
      texts: (tag, attributes, text) of every element that begins with a text.
    """

    html: str
    elements: list[dict[str, str]] = field(default_factory=list)
    texts: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._last: tuple[str, dict[str, str]] = ("", {})
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._last = tag, given
        self.elements.append(given)

    def handle_endtag(self, tag: str) -> None:
        self._last = "", {}

    def handle_data(self, data: str) -> None:
        self.texts.append((*self._last, data))
        self._last = "", {}

    @property
    def attributes(self) -> list[tuple[str, str]]:
        return [pair for own in self.elements for pair in own.items()]

    @property
    def widths(self) -> list[str]:
        """Of what has a width of its own: the bars."""
        found = (re.fullmatch(r"width: (.+);", own.get("style", "")) for own in self.elements)
        return [match[1] for match in found if match]

    def of(self, tag: str, **attributes: str) -> list[str]:
        """The texts of elements of that tag with these attributes."""
        return [text for name, own, text in self.texts if name == tag and own.items() >= attributes.items()]


@dataclass
class Stub:
    """A server of the page and of canned answers.

    Attributes:
      html: The page of the model "tiny".
      status: Of every answer.
      answers: To the first question and so on; the last to all others. "" cuts the connection.
      slow: The question that gets the first answer, after another got its own; they may arrive in any order.
      asked: The questions.
    """

    html: str
    status: int = 200
    answers: tuple[str, ...] = ("",)
    slow: str = ""
    asked: list[Any] = field(default_factory=list)
    other: threading.Event = field(default_factory=threading.Event)

    def answer(self, question: str) -> str:
        self.asked.append(json.loads(question))
        if not self.slow:
            return self.answers[min(len(self.asked), len(self.answers)) - 1]
        if json.loads(question)["instances"][0]["text_a"] == self.slow:
            self.other.wait(20)
            return self.answers[0]
        self.other.set()
        return self.answers[-1]


@contextmanager
def serving(stub: Stub) -> Iterator[str]:
    """The address of the page while the stub is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            versions = [{"version": "9", "state": "AVAILABLE"}, {"version": "10", "state": "END"}]
            bodies = {"/": stub.html, "/v1/models/tiny": json.dumps({"model_version_status": versions})}
            self.send(200 if self.path in bodies else 404, bodies.get(self.path, ""))

        def do_POST(self) -> None:
            text = stub.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if text:
                self.send(stub.status if self.path == "/v1/models/tiny:predict" else 404, text)

        def send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"text/{'html' if self.path == '/' else 'json'}; charset=utf-8")
            self.send_header("Content-Security-Policy", content_security_policy(stub.html))
            self.end_headers()
            with suppress(ConnectionError):  # the page may have stopped waiting
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


def seen(stub: Stub, profile: Path, question: str = "") -> Parsed:
    """What a browser makes of the page when it has come to rest."""
    with serving(stub) as address:
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", address + question]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "CONSOLE" not in result.stderr, result.stderr  # among others, what the policy forbids
    return Parsed(result.stdout)


def predictions(*rows: dict[str, Any]) -> str:
    return json.dumps({"predictions": rows})
