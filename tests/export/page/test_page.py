"""The server's page: safe whatever a task is called, alone in what it loads, and true in a browser."""

import base64
import hashlib
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

import pytest
from browser import BROWSER
from test_model_diagram import NASTY, manifest
from tiny import BRANCHES, task

from centrabert.export.page.page import content_security_policy, page
from centrabert.modeling.branch import Branch

BREAKOUT = "</script><script>alert(1)</script><style>*{color:red}</style><!--model-->{{ name }}{%"
HOSTILE = [Branch(task("one", labels=(BREAKOUT, NASTY)), 4, 1)]
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


def test_the_model_is_embedded_as_it_is() -> None:
    (text,) = Parsed(page(manifest(HOSTILE), BREAKOUT)).of("script", id="model")
    own = {"name": "one", "kind": "classification", "pair": True, "labels": [BREAKOUT, NASTY]}
    assert json.loads(text) == {"name": BREAKOUT, "layers": 5, "tasks": [{**own, "frozen": 4, "tuned": 1}]}
    assert not set("<>&") & set(text)


def test_every_task_is_embedded() -> None:
    html = page(manifest(BRANCHES), "tiny")
    assert "5 tasks · 16 layers, where one BERT per task has 25 · texts are cut to 13 word pieces" in html
    (text,) = Parsed(html).of("script", id="model")
    found = {each["name"]: each for each in json.loads(text)["tasks"]}
    assert list(found) == ["rte", "rte2", "sim", "tone", "whole"]
    assert (found["rte2"]["pair"], found["rte2"]["labels"]) == (False, ["a", "b", "c"])
    assert (found["sim"]["kind"], found["sim"]["labels"]) == ("regression", [])
    assert (found["whole"]["frozen"], found["whole"]["tuned"]) == (1, 3)


def test_names_make_no_elements() -> None:
    usual, hostile = Parsed(page(manifest(BRANCHES[:1]), "m")), Parsed(page(manifest(HOSTILE), BREAKOUT))
    for tag, count in (("script", 2), ("style", 1), ("h1", 1), ("title", 3)):
        assert len(usual.of(tag)) == len(hostile.of(tag)) == count
    assert hostile.of("h1") == [BREAKOUT]


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = page(manifest(BRANCHES), "tiny")
    assert set(re.findall(r"\w+://[^\s'\"<]+", html)) == {"http://www.w3.org/2000/svg"}
    document = Parsed(html)
    loading = ("src", "href", "action", "srcset", "data")
    assert [value[:18] for name, value in document.attributes if name in loading] == ["data:image/svg+xml"]
    assert not [text for text in document.of("style") if "url(" in text or "@import" in text]


@pytest.mark.parametrize("branches", [BRANCHES, HOSTILE])
def test_policy_allows_this_script_and_these_styles(branches: list[Branch]) -> None:
    html = page(manifest(branches), "tiny")
    document = Parsed(html)
    policy = dict(rule.split(" ", 1) for rule in content_security_policy(html).split("; "))
    run = [text for tag, own, text in document.texts if tag == "script" and not own]
    assert policy["script-src"].split() == [hashed(text) for text in run]
    assert policy["style-src"].split() == [hashed(text) for text in document.of("style")]
    assert (len(run), policy["default-src"], policy["connect-src"]) == (1, "'none'", "'self'")
    assert not [name for name, _ in document.attributes if name == "style" or name.startswith("on")]


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


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


RTE = {"rte/asked": True, "rte/label": "yes", "rte/probabilities": [0.1, 0.9]}
SIM = {"sim/asked": True, "sim/score": 3.2}
TONE = {"tone/asked": True, "tone/label": "dull", "tone/probabilities": [0.125, 0.5, 0.25, 0.125]}
STALE = "The answer does not fit this page. Reload it, for the model may have changed."
REST = {"rte2/asked": False, "rte2/label": "", "rte2/probabilities": [0.0, 0.0, 0.0], "unknown": ""}


@pytest.mark.browser
def test_answers_are_shown(tmp_path: Path) -> None:
    second = {**REST, **TONE, "rte/asked": False, "rte/label": "", "rte/probabilities": [0.0, 0.0]}
    html = page(manifest(BRANCHES), "tiny")
    stub = Stub(html, answers=(predictions({**REST, **RTE, **SIM, "tone/asked": False}, second),))
    document = seen(stub, tmp_path, "#text_a=A+d%C3%B6g&text_b=b%26&tasks=rte,sim,tone,gone")
    first = {"text_a": "A dög", "text_b": "b&", "tasks": "rte,sim"}
    rows = [first, {"text_a": "A dög", "text_b": "", "tasks": "tone"}]
    assert stub.asked == [{"signature_name": "route", "instances": rows}]
    assert document.of("strong") == ["yes", "3.200", "dull"]
    assert document.of("span", **{"class": "best"}) == ["yes", "dull"]
    assert document.widths == ["10%", "90%", "12.5%", "50%", "25%", "12.5%"]
    numbers = [text for text in document.of("span") if re.fullmatch(r"0\.\d+", text)]
    assert numbers == ["0.100", "0.900", "0.125", "0.500", "0.250", "0.125"]
    assert document.of("p", **{"class": "small quiet"})[1:] == ["Reads the first text only."]
    assert re.fullmatch(r"Answered in \d+\.\d ms\. ", document.of("span", id="status")[0])
    assert document.of("span", **{"class": "unseen"}) == ["rte: yes. sim: 3.200. tone: dull."]
    assert ("href", "#text_a=A+d%C3%B6g&text_b=b%26&tasks=rte%2Csim%2Ctone") in document.attributes
    assert document.of("span", id="version") == ["Version 9 · "]
    assert document.of("p", id="needed") == ["The tasks that are ticked need 12 of its 16 layers."]
    faded = [own.get("data-task") for own in document.elements if own.get("class") == "branch idle"]
    assert sorted(map(str, faded)) == ["rte2", "whole"]


@pytest.mark.browser
def test_hostile_labels_stay_text(tmp_path: Path) -> None:
    answer = {"one/asked": True, "one/label": NASTY, "one/probabilities": [0.25, 0.75], "unknown": ""}
    stub = Stub(page(manifest(HOSTILE), "tiny"), answers=(predictions(answer),))
    document = seen(stub, tmp_path, "#text_a=a")
    assert stub.asked[0]["instances"] == [{"text_a": "a", "text_b": "", "tasks": "one"}]
    assert document.of("strong") == [NASTY]
    assert (document.of("b"), len(document.of("script"))) == ([], 2)
    notes = document.of("p", **{"class": "small quiet"})
    assert notes[1:] == ["Reads two texts, but the second is empty."]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("status", "body", "words", "detail"),
    [
        (429, '{"error": "<b> rows wait"}', "The server is busy. Try again in a moment.", ["<b> rows wait"]),
        (500, "no JSON", "The server failed, with status 500.", []),
        (200, predictions(REST), STALE, []),
        (200, "", "The server does not answer. Is it still running?", []),
    ],
)
def test_errors_are_told(tmp_path: Path, status: int, body: str, words: str, detail: list[str]) -> None:
    stub = Stub(page(manifest(BRANCHES), "tiny"), status, (body,))
    document = seen(stub, tmp_path, "#text_a=a&tasks=rte")
    assert document.of("p", id="error") == [words]
    assert document.of("small", **{"class": ""})[2:] == detail  # behind those of two pair tasks
    assert document.of("strong") == document.of("span", id="status") == []
    assert "disabled" not in dict(document.attributes)


DRIVEN = """<script>
find("none").click();
boxes.get("rte").click();
const enter = () => new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
find("text_a").value = "former";
find("text_a").dispatchEvent(enter());
const former = running;
find("text_a").value = "latter";
find("text_a").dispatchEvent(enter());
document.title = `aborted ${former.signal.aborted}, disabled ${find("ask").disabled}`;
new MutationObserver(() => {
  document.title += `, enabled with ${find("answers").childElementCount} answers`;
}).observe(find("ask"), { attributes: true });
</script>"""


@pytest.mark.browser
def test_a_new_question_cancels_the_former(tmp_path: Path) -> None:
    html = page(manifest(BRANCHES), "tiny").replace("</body>", f"{DRIVEN}</body>")
    former = {"rte/asked": True, "rte/label": "no", "rte/probabilities": [0.75, 0.25]}
    stub = Stub(html, answers=(predictions(former), predictions(RTE)), slow="former")
    document = seen(stub, tmp_path)
    assert {each["instances"][0]["text_a"] for each in stub.asked} == {"former", "latter"}
    assert document.of("strong") == ["yes"]
    assert document.of("p", id="error") == []
    assert document.of("title")[0] == "aborted true, disabled true, enabled with 1 answers"
    faded = [own.get("data-layer") for own in document.elements if own.get("class") == "layer idle"]
    assert faded == ["3"]
    assert "disabled" not in dict(document.attributes)
