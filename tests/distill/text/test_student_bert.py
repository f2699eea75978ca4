"""run_distill with --student_bert_dir, as a user starts it: what trains, and what is refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import tiny_glue

from centrabert import command
from centrabert.distill import run_distill
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import read_record
from centrabert.task_runner import TaskRunner

Start = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def teacher(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch of 2 layers above 1 frozen one."""
    folder = tmp_path_factory.mktemp("teacher") / "rte"
    return tiny.branch(folder, runner.bert.checkpoint.parent, Branch(runner.spec, 1, 2), golden=False)


@pytest.fixture
def start(runner: TaskRunner, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Start:
    def run(**given: object) -> tuple[int, str]:
        values = {
            "teacher": teacher,
            "data_dir": runner.task.splits["train"].parent,
            "bert_dir": runner.bert.checkpoint.parent,
            "output_dir": tmp_path / "student",
            "train_batch_size": 7,
            "num_train_epochs": 1,
            **given,
        }
        argv = ["run_distill.py", *(f"--{name}={value}" for name, value in values.items())]
        status = command.status(run_distill.main, run_distill.FLAGS, argv)
        return status, capsys.readouterr().err.strip().rpartition("\n")[2]

    return run


def test_tinybert_of_a_teacher_with_frozen_layers(start: Start, tmp_path: Path) -> None:
    small = tiny_glue.bert_folder(tmp_path / "small", seed=5, layers=2)
    flags = {"method": "tinybert", "student_bert_dir": small, "student_layers": 2}
    assert start(**flags)[0] == 0
    record = read_record(tmp_path / "student")
    assert record.branch == Branch(record.branch.task, 0, 2, full_fine_tuning=True)
    assert record.hyperparameters["initialization"] == {"origin": "pretrained", "layers": [0, 1]}


def test_a_student_of_more_layers_than_the_teachers_own(start: Start, tmp_path: Path) -> None:
    """What was refused before leaves nothing, so that the corrected command runs."""
    large = tiny_glue.bert_folder(tmp_path / "large", seed=5, layers=4)
    for method, error in (
        ("tinybert", "--method=tinybert compares each layer of the student with one of the teacher's own"),
        ("theseus", "--method=theseus puts the student's layers among the teacher's"),
    ):
        status, line = start(method=method, student_bert_dir=large, student_layers=4)
        assert status == 1 and line.startswith(f"run_distill.py: error: {error}")
        assert not (tmp_path / "student").exists()
    assert start(method="minilm", student_bert_dir=large, student_layers=4)[0] == 0
    assert read_record(tmp_path / "student").config.num_hidden_layers == 4


@pytest.mark.parametrize("method", ["vanilla_kd", "theseus"])
def test_the_teachers_own_bert_is_refused(
    runner: TaskRunner, start: Start, tmp_path: Path, method: str
) -> None:
    own = runner.bert.checkpoint.parent
    status, line = start(method=method, student_bert_dir=own, student_layers=2)
    assert (status, line) == (
        1,
        f"run_distill.py: error: --student_bert_dir: {own}/bert_model.ckpt is the teacher's own BERT; leave "
        "the flag out, and the student is built on it",
    )
    assert not (tmp_path / "student").exists()
