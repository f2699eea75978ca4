"""The server's page: safe whatever a task is called, alone in what it loads, and true in a browser."""

import base64
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from page_in_browser import Parsed, Stub, predictions, seen
from test_model_diagram import NASTY, manifest
from tiny import BRANCHES, task

from centrabert.export.page.page import content_security_policy, page
from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.registry import KINDS

BREAKOUT = "</script><script>alert(1)</script><style>*{color:red}</style><!--model-->{{ name }}{%"
HOSTILE = [Branch(task("one", labels=(BREAKOUT, NASTY)), 4, 1)]


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


def test_answers_of_every_kind_are_read() -> None:
    """The script has a function for each, by its name."""
    (table,) = re.findall(
        r"^const READ = \{$(.*?)^\};$", page(manifest(BRANCHES), "tiny"), re.DOTALL | re.MULTILINE
    )
    assert sorted(re.findall(r"^  (\w+):", table, re.MULTILINE)) == sorted(KINDS)


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
def test_every_label_is_shown_with_its_threshold(tmp_path: Path) -> None:
    """A mark on its bar and the comparison in numbers; a text may have no label at all."""
    labels = ("joy, pride", "fear", NASTY)
    moods = [
        Branch(task(name, "multilabel", labels=labels, metric="macro_f1"), 4, 1) for name in ("mood", "tone")
    ]
    mood = {
        "decision": [True, False, True],
        "probabilities": [0.75, 0.25, 0.5],
        "thresholds": [0.5, 0.375, 0.125],
    }
    tone = {**mood, "decision": [False] * 3}
    row = {f"{name}/{key}": each[key] for name, each in (("mood", mood), ("tone", tone)) for key in each}
    answer = predictions({**row, "mood/asked": True, "tone/asked": True, "unknown": ""})
    document = seen(Stub(page(manifest(moods), "tiny"), answers=(answer,)), tmp_path, "#text_a=a")
    assert document.of("strong") == [f"joy, pride · {NASTY}", "none"]
    assert document.of("span", **{"class": "best"}) == ["joy, pride", NASTY]
    assert document.widths == ["75%", "25%", "50%"] * 2
    marks = [own["style"] for own in document.elements if own.get("class") == "from"]
    assert marks == ["left: 50%;", "left: 37.5%;", "left: 12.5%;"] * 2
    compared = [text for text in document.of("small") if text[1:2] in "≥<"]
    assert compared == [" ≥ 0.500", " < 0.375", " ≥ 0.125", " < 0.500", " < 0.375", " < 0.125"]


@pytest.mark.browser
def test_entities_are_marked_in_the_text(tmp_path: Path) -> None:
    """At places that count code points, with label and score; a text may have none at all."""
    slots = [
        Branch(task(name, kind, labels=("O", f"B-{NASTY}", "B-to")), 4, 1)
        for name, kind in (("slots", "tagging"), ("spans", "crf_tagging"))
    ]
    marked = {
        "slots/tags": ["O", "B-to", f"B-{NASTY}"],
        "slots/word_characters": [[0, 1], [2, 6], [7, 9]],
        "slots/entity_labels": ["to", NASTY],
        "slots/entity_characters": [[2, 6], [7, 9]],
        "slots/entity_scores": [0.75, 0.5],
    }
    none = {"spans/tags": ["O"], "spans/entity_labels": ["", ""], "spans/entity_characters": [[0, 0]] * 2}
    none["spans/entity_scores"] = [0.0, 0.0]
    none["spans/word_characters"] = [[0, 1], [2, 6], [0, 0]]  # there was no room for the third word
    answer = predictions({**marked, **none, "slots/asked": True, "spans/asked": True, "unknown": ""})
    stub = Stub(page(manifest(slots), "tiny"), answers=(answer,))
    document = seen(stub, tmp_path, "#text_a=" + quote("😀 b<i>c d😀"))
    assert document.of("strong") == [f"to · {NASTY}", "none"]
    assert document.of("mark") == ["b<i>", " d"]
    assert [text for text in document.of("small") if text[-3:].isdigit()] == [" to 0.750", f" {NASTY} 0.500"]
    assert (document.of("b"), document.of("i")) == ([], [])
    notes = document.of("p", **{"class": "small quiet"})
    assert notes[1:] == ["The text is too long. It was not read from “c d😀” on."]


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
