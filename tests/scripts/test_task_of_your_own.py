"""A task that is none of GLUE's and reads its files itself: trained, distilled and searched like them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import tiny_glue
from search_workshop import ThisProcess

from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.errors import UserError
from centrabert.glue_data import task_lookup
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.task_data import Examples, PlainTask, Submission, TaskData, task_spec
from centrabert.modeling.branch_folder import read_record
from centrabert.search import run_search
from centrabert.search.selection.selection import read_selection

ROWS = {"train": 37, "dev": 11, "test": 3}


@dataclass(frozen=True)
class Moods(PlainTask):
    """Files without a header: number, mood, text; a test file has no moods."""

    data_dir: Path = Path()
    name: str = "film_moods"
    kind: str = "classification"
    labels: tuple[str, ...] = ("dull", "fine", "good")
    pair: bool = False
    metrics: tuple[str, ...] = ("matthews", "accuracy")

    @property
    def splits(self) -> Mapping[str, Path]:
        return {split: self.data_dir / f"moods.{split}" for split in ROWS}

    def read(self, split: str) -> Examples:
        file = self.splits[split]
        if not file.is_file():
            raise UserError(f"{file}: there is no such file")
        rows = [line.split("\t") for line in file.read_text().splitlines()]
        labels = None if split == "test" else tuple(row[1] for row in rows)
        texts = tuple(row[-1] for row in rows)
        return Examples(texts, ("",) * len(rows), labels, tuple(row[0] for row in rows))

    def submission(self, split: str, ids: Sequence[str], decisions: np.ndarray[Any, Any]) -> Submission:
        rows = zip(ids, decisions, strict=True)
        return Submission("moods.answers", "".join(f"{i}:{self.labels[k]}\n" for i, k in rows))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT, and the files: a text's mood is its first word."""
    root = tmp_path_factory.mktemp("moods")
    tiny_glue.bert_folder(root / "bert", layers=2)
    task: TaskData = Moods(root / "data/moods")
    task.splits["train"].parent.mkdir(parents=True)
    random = np.random.default_rng(5)
    for split, rows in ROWS.items():
        lines = []
        for row in range(rows):
            mood = task.labels[row % 3]
            text = " ".join([mood, *random.choice(tiny.WORDS, 3)])
            lines.append("\t".join([f"{split}-{row}", *([mood] if split != "test" else []), text]))
        task.splits[split].write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is among those that are found by their names, and is no declaration."""
    found = Declaration(name=Moods().name, data=Path("moods"))
    monkeypatch.setattr(task_lookup, "TASKS", (*task_lookup.TASKS, found))
    monkeypatch.setattr(task_lookup, "DeclaredTask", lambda declaration: Moods(declaration.data))


def start(script: Any, **flags: object) -> int:
    argv = [f"--{name}={value}" for name, value in flags.items()]
    return command.status(script.main, script.FLAGS, [script.__name__, *argv])


def test_it_is_trained_evaluated_predicted_and_distilled(root: Path, tmp_path: Path) -> None:
    data = {"data_dir": root / "data/moods", "bert_dir": root / "bert", "learning_rate": 3e-3}
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    asked = {"do_train": True, "do_eval": True, "do_predict": True, "num_train_epochs": 4}
    sizes = {"fine_tuning_layers": 1, "max_seq_length": tiny.MAX_SEQ_LENGTH, "train_batch_size": 7}
    assert start(run_classifier, task_name="Film-Moods", output_dir=teacher, **data, **sizes, **asked) == 0
    record = read_record(teacher)
    assert record.branch.task == task_spec(Moods(), tiny.MAX_SEQ_LENGTH)
    assert list(record.metrics) == ["matthews", "accuracy"]
    assert record.metrics["accuracy"] > 0.6  # of three moods: it read labels and texts together
    answers = (teacher / "moods.answers").read_text().splitlines()
    assert [line.split(":")[0] for line in answers] == ["test-0", "test-1", "test-2"]
    assert {line.split(":")[1] for line in answers} <= set(Moods().labels)
    assert start(run_distill, teacher=teacher, student_layers=1, output_dir=student, **data) == 0
    learned = read_record(student)
    assert learned.teacher_digest == record.digest and learned.branch.task == record.branch.task
    assert list(learned.metrics) == ["matthews", "accuracy"]


def test_it_is_searched(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "LocalPool", ThisProcess)
    reads: list[str] = []
    read = Moods.read
    monkeypatch.setattr(Moods, "read", lambda task, split: reads.append(split) or read(task, split))
    lists = {"tasks": "film_moods", "fine_tuning_layers": 1, "student_layers": 1, "seeds": 3}
    training = {"num_train_epochs": 1, "learning_rates": 3e-3, "train_batch_size": 7}
    folders = {"bert_dir": root / "bert", "data_root": root / "data", "output_dir": tmp_path / "out"}
    sizes = {"max_seq_length": tiny.MAX_SEQ_LENGTH}
    assert start(run_search, **folders, **lists, **training, **sizes) == 0
    jobs = len(list((tmp_path / "out/jobs").iterdir()))
    assert jobs == 2 and sorted(reads) == ["dev"] * (jobs + 1) + ["train"] * (jobs + 1)  # once in a process
    (chosen,) = read_selection(tmp_path / "out").chosen
    assert chosen.task == "film_moods"
    record = read_record(Path(chosen.folder))
    assert record.branch.task.labels == Moods().labels and record.branch.task.metric == "matthews"


def test_a_missing_file_of_it_is_one_line(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = {"bert_dir": root / "bert", "data_dir": tmp_path, "output_dir": tmp_path / "out"}
    sizes = {"do_train": True, "fine_tuning_layers": 1, "max_seq_length": tiny.MAX_SEQ_LENGTH}
    assert start(run_classifier, task_name="film_moods", **folders, **sizes) == 1
    assert f"{tmp_path}/moods.train: there is no such file" in capsys.readouterr().err
