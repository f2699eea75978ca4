"""The page of a real, tiny store."""

import json
import re
import sys
from pathlib import Path

import pytest
from page_in_browser import Parsed
from tiny_store import RTE, TONE, copy, tiny_store

from centrabert import command
from centrabert.errors import UserError
from centrabert.export.lifecycle import run_store
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_history import history_page, task_histories
from centrabert.export.page.metric_plot import Measured
from centrabert.export.page.store_page import TaskHistory


def test_metrics_are_those_of_the_branches() -> None:
    """`tiny.branch` writes 0.125 times seed and frozen layers; rte is in versions 1 and 2, tone in 2."""
    rte, tone = 0.125 * (1 + RTE.frozen), 0.125 * (2 + TONE.frozen)
    assert task_histories(ModelStore(tiny_store().store)) == [
        TaskHistory("rte", "accuracy", (Measured(1, rte, True), Measured(2, rte, False))),
        TaskHistory("tone", "accuracy", (Measured(2, tone, True),)),
    ]


def test_show_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, file = tiny_store().store, tmp_path / "page.html"
    flags = [f"--store={store}", f"--html={file}", "--version=1"]
    assert command.status(run_store.main, run_store.FLAGS, ["store", "show", *flags]) == 0
    assert capsys.readouterr().out == f"wrote {file}\n"
    html = file.read_text()
    assert "The model, version 1" in html
    assert 'data-task="rte"' in html
    assert html.index('id="v2"') < html.index('id="v1"')
    assert ModelStore(store).proof(1).text().split("; ")[1] in html


def test_a_damaged_old_version_is_named_and_the_rest_is_drawn(tmp_path: Path) -> None:
    store = copy(tmp_path / "store")
    file = store.folder.version(1) / "version.json"
    file.unlink()
    file.write_text("{")
    (store.folder.version(2) / "proof.json").unlink()
    document = Parsed(history_page(store, store.version(2)))
    damaged, *others = (text for text in document.of("bdi") if str(file) in text)
    assert damaged.startswith(f"{file}:1: ")
    assert others == []
    rows = [value for name, value in document.attributes if name == "id" and re.fullmatch(r"v\d", value)]
    assert rows == ["v2", "v1"]
    assert document.of("td", **{"class": "tree"}) == ["●", "●"]
    assert [value for name, value in document.attributes if name == "href"] == ["#v1"]
    (proof,) = document.of("td", **{"class": "proof"})
    assert re.fullmatch(r"damaged: .*/2/proof\.json: no such file", proof)
    assert [each.measured[0].version for each in task_histories(store)] == [2, 2]


def test_what_needs_no_weights_needs_no_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose import takes longer than all else that these verbs do."""
    store = copy(tmp_path / "store").folder.root
    for name in ("tensorflow", "tensorflow.compat.v1", "tensorflow_text"):
        monkeypatch.setitem(sys.modules, name, None)  # to import it is an error
    for verb in (
        *("list", "log", "show", f"show --html={tmp_path}/page.html", "diff --version=1"),
        *(
            "promote --version=1",
            "promote --version=2",
            "rollback",
            f"export --export_dir={tmp_path}/serving",
        ),
        *("promote --version=2 --label=canary", "unlabel --label=canary", "gc --keep=1"),
    ):
        arguments = ["store", *verb.split(), f"--store={store}"]
        assert command.status(run_store.main, run_store.FLAGS, arguments) == 0, verb


def test_a_label_is_removed_and_the_log_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who gave it stays in the log; a dry run removes nothing."""
    store = copy(tmp_path / "store")

    def said(verb: str, *flags: str) -> str:
        given = ["store", verb, f"--store={store.folder.root}", *flags]
        assert command.status(run_store.main, run_store.FLAGS, given) == 0
        return capsys.readouterr().out

    said("promote", "--version=1", "--label=canary", "--author=ann")
    dry = said("unlabel", "--label=canary", "--dry_run")
    assert dry == "canary would be removed; it pointed to version 1\n"
    assert store.labels.versions == {"canary": 1}
    told = said("unlabel", "--label=canary", "--author=bob", "--json")
    assert json.loads(told) == {"label": "canary", "version": 1}
    assert store.labels.versions == {}
    with pytest.raises(UserError, match="there is no label 'canary'"):
        store.version("canary")
    lines = said("log").split("version 1: add rte")[1]
    assert re.findall(r"canary: \S+ by (.*)", lines) == ["ann, promote", "bob, remove the label"]
    page = Parsed(history_page(store, store.version(2)))
    what = [text.strip() for text in page.of("td")]
    assert [text for text in what if text in ("pointed here:", "removed from here:")] == [
        "pointed here:",
        "removed from here:",
    ]
    newest_last = json.loads(said("log", "--json"))
    moves = [[(each["author"]["name"], each["version"]) for each in one["moves"]] for one in newest_last]
    assert moves == [[("ann", 1), ("bob", None)], []]
