"""Promotion with a gate: who passes, who is refused with which numbers, and what is written down."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from tiny_store import RTE, copy, tiny_store

from centrabert import command
from centrabert.errors import UserError
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.lifecycle import run_store
from centrabert.export.lifecycle.comparison import Judgement
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.promotion_gate import PromotionGate
from centrabert.glue_data.sampling_error import metric_of_rows
from centrabert.glue_data.task_data import Examples
from centrabert.modeling.task import TaskSpec

ROWS = 40
OLD, NEW = 2, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """rte is updated in version 3, by a branch that was chosen by another metric."""
    root = tmp_path_factory.mktemp("gate")
    store = copy(root / "store")
    shape = replace(RTE, task=replace(RTE.task, metric="macro_f1"))
    store.update(tiny.branch(root / "branch", tiny_store().base, shape, seed=3))
    return store


@pytest.fixture
def store(made: ModelStore) -> ModelStore:
    made.folder.labels.unlink(missing_ok=True)
    return made


def texts() -> tuple[tuple[str, ...], tuple[str, ...]]:
    draw = np.random.default_rng(7)
    one, other = (
        tuple(" ".join(draw.choice(tiny.WORDS, draw.integers(1, 9))) for _ in range(ROWS)) for _ in range(2)
    )
    return one, other


def answered_by(store: ModelStore, version: int) -> Examples:
    """Rows of rte with the answers of a version as their labels, which no other version can answer better."""
    text_a, text_b = texts()
    feeds = {"text_a": np.array(text_a, np.object_), "text_b": np.array(text_b, np.object_)}
    with Predictor(store.folder.model(version), ["rte"]) as predictor:
        labels = predictor.predict("rte", feeds, ["label"])["label"].tolist()
    return Examples(text_a, text_b, tuple(label.decode() for label in labels))


def gate(rows: Examples, margin: float = 0.0, task: str = "") -> PromotionGate:
    def read(spec: TaskSpec) -> Examples:
        del spec
        return rows

    return PromotionGate(read, metric_of_rows, margin, task)


def file_of(rows: Examples, folder: Path) -> Path:
    lines = zip(rows.text_a, rows.text_b, rows.labels or (), strict=True)
    file = folder / "rows.tsv"
    file.write_text("text\ttext_b\tlabel\n" + "".join("\t".join(line) + "\n" for line in lines))
    return file


def run(store: ModelStore, *flags: str) -> int:
    return command.status(
        run_store.main, run_store.FLAGS, ["store", "promote", f"--store={store.folder.root}", *flags]
    )


def test_a_worse_version_is_refused_with_its_numbers(
    store: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, others = answered_by(store, NEW), answered_by(store, OLD)
    lost = sum(one != other for one, other in zip(rows.labels or (), others.labels or (), strict=True))
    assert lost > 10
    store.promote("stable", NEW)
    given = [f"--version={OLD}", f"--data={file_of(rows, tmp_path)}"]
    assert run(store, *given, "--require_not_worse") == 1
    told = capsys.readouterr().err
    assert f"version {OLD} is significantly worse than version {NEW}, to which 'stable' points: " in told
    numbers = f"accuracy {1 - lost / ROWS:.4f}, before 1.0000, difference {-lost / ROWS:+.4f}, 90% interval"
    assert f"rte: {numbers}" in told
    assert f"exact McNemar test, {ROWS} rows, p = {0.5**lost:.2g}" in told
    assert store.labels.versions == {"stable": NEW}
    assert run(store, *given, "--require_not_worse=0.99") == 0
    assert store.labels.versions == {"stable": OLD}


def test_a_version_that_passes_is_written_down(
    store: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the metric of its task, resampled, and by its accuracy."""
    store.promote("stable", OLD)
    flags = ["--require_not_worse", f"--data={file_of(answered_by(store, NEW), tmp_path)}"]
    assert run(store, f"--version={NEW}", *flags, "--json", "--author=ann") == 0
    found = json.loads(capsys.readouterr().out)
    move = store.labels.moves["stable"][-1]
    assert (move.version, move.author.name, move.reason) == (NEW, "ann", found["reason"])
    assert move.reason.startswith(f"promote instead of version {OLD}; rte: macro_f1 1.0000, before 0.")
    assert (found["version"], found["incumbent"]) == (NEW, OLD)
    tests = [(each["metric"], each["test"], each["candidate"]) for each in found["comparisons"]]
    assert tests == [("macro_f1", "paired bootstrap", 1.0), ("accuracy", "exact McNemar test", 1.0)]
    for each in found["comparisons"]:
        tested = each["tested"]
        assert tested["difference"] == pytest.approx(1.0 - each["incumbent"])
        assert 0 < tested["lowest"] < tested["highest"]
        assert tested["p_value"] == 1.0
    assert store.roll_back("stable") == OLD


def test_a_loss_in_the_metric_of_the_task_is_refused(store: ModelStore) -> None:
    store.promote("stable", OLD)
    with pytest.raises(
        UserError, match=r"macro_f1 0\.\d+, before 1\.0000.*paired bootstrap, 40 rows, p = 0\.0001"
    ):
        gate(answered_by(store, OLD)).judge(store, "stable", NEW)


def test_nothing_to_compare(store: ModelStore) -> None:
    """No incumbent, a task that it has not, no branch that differs: each is said, and the version passes."""
    rows = Examples((), ())
    assert gate(rows).judge(store, "stable", 3).reason == (
        "promote; stable pointed nowhere, so there was nothing to compare with"
    )
    store.promote("stable", 1)
    asked = [("tone", OLD), ("", OLD), ("", 1)]
    reasons = [gate(rows, task=task).judge(store, "stable", version).reason for task, version in asked]
    assert reasons == [
        "promote; task tone is not in version 1, so there was nothing to compare",
        *["promote; no task of both is updated, so there was nothing to compare"] * 2,
    ]


def test_mistakes(store: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = Examples((), ())
    store.promote("stable", 1)
    with pytest.raises(UserError, match="there is no task 'tune'; there are rte, tone"):
        gate(rows, task="tune").judge(store, "stable", 3)
    with pytest.raises(UserError, match=r"a margin of 1 is not in \[0, 1\)"):
        gate(rows, margin=1.0)
    with pytest.raises(
        UserError, match="version 3 was compared with version 2, but version 3 would replace version 1"
    ):
        store.promote("stable", 3, judgement=Judgement(3, 2, (), "promote"))
    for flags, message in (
        (["--data=a"], "--data goes with --require_not_worse"),
        (["--require_not_worse"], "--require_not_worse goes with --data"),
        (["--require_not_worse=x", "--data=a"], "require_not_worse"),
        (["--require_not_worse", f"--data={tmp_path / 'none.tsv'}"], "none.tsv: no such file"),
    ):
        assert run(store, "--version=3", *flags) == 1
        assert message in capsys.readouterr().err
    assert store.labels.versions == {"stable": 1}
