"""The page of a real, tiny store."""

from pathlib import Path

import pytest
from tiny_store import RTE, TONE, tiny_store

from centrabert import command
from centrabert.export.lifecycle import run_store
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_history import task_histories
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
