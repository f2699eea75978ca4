"""The steps as functions do what the commands do."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import tiny_glue

import centrabert
from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.training.hyperparameters import Hyperparameters

ONE_EPOCH = Hyperparameters(learning_rate=3e-3, train_batch_size=7, num_train_epochs=1, seed=13)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pipeline")
    tiny_glue.bert_folder(root / "bert", layers=2)
    tiny_glue.rte(root / "RTE")
    return root


def flags(root: Path, output: str) -> list[str]:
    return [
        *(
            "run",
            f"--data_dir={root / 'RTE'}",
            f"--bert_dir={root / 'bert'}",
            f"--output_dir={root / output}",
        ),
        *("--learning_rate=3e-3", "--train_batch_size=7", "--num_train_epochs=1", "--seed=13"),
    ]


def test_training_is_that_of_the_commands(root: Path) -> None:
    """The commands take the runs for their own: they are equal in all that decides the bits of a branch."""
    teacher = centrabert.fine_tune(
        "RTE",
        str(root / "RTE"),
        str(root / "bert"),
        str(root / "teacher"),
        fine_tuning_layers=1,
        max_seq_length=tiny.MAX_SEQ_LENGTH,
        hyperparameters=ONE_EPOCH,
    )
    student = centrabert.distill_student(
        root / "teacher",
        root / "RTE",
        root / "bert",
        root / "student",
        student_layers=1,
        method="distilbert",
        settings={"temperature": 3.0},
        hyperparameters=ONE_EPOCH,
    )
    assert (teacher.branch.frozen, teacher.branch.tuned, student.branch.tuned) == (1, 1, 1)
    classify = ["--task_name=RTE", "--fine_tuning_layers=1", "--max_seq_length=13", "--do_train"]
    distil = [f"--teacher={root / 'teacher'}", "--student_layers=1", "--method=distilbert", "--temperature=3"]
    for script, output, own in ((run_classifier, "teacher", classify), (run_distill, "student", distil)):
        assert command.status(script.main, script.FLAGS, [*flags(root, output), *own]) == 0
        assert command.status(script.main, script.FLAGS, [*flags(root, output), *own, "--seed=14"]) == 1
    assert read_record(root / "teacher") == teacher
    assert read_record(root / "student") == student


def test_a_conversion(root: Path, tmp_path: Path) -> None:
    there = centrabert.convert_bert(str(root / "bert"), tmp_path / "hf", to="huggingface")
    assert (there / "model.safetensors").is_file()


def test_a_task_that_is_none_of_glues(root: Path) -> None:
    rte = find_task("rte", data_dir=root / "RTE")
    assert isinstance(rte, DeclaredTask)
    labels = ("entailment", "not_entailment")[::-1]
    length = tiny.MAX_SEQ_LENGTH
    own = DeclaredTask(replace(rte.declaration, name="follows", labels=labels, max_seq_length=length))
    record = centrabert.fine_tune(
        own,
        root,
        root / "bert",
        root / "own",
        fine_tuning_layers=1,
        hyperparameters=ONE_EPOCH,
    )
    trained = record.branch.task
    assert (trained.name, trained.labels, trained.max_seq_length) == ("follows", own.labels, length)
    with pytest.raises(centrabert.UserError, match="there is no task 'follows'"):
        distil_own(root, None)
    assert distil_own(root, own).branch.task == record.branch.task


def distil_own(root: Path, task: DeclaredTask | None) -> centrabert.BranchRecord:
    return centrabert.distill_student(
        root / "own",
        root,
        root / "bert",
        root / "own1",
        student_layers=1,
        task=task,
        hyperparameters=ONE_EPOCH,
    )
